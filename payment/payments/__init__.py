"""Payments with their refunds and the ledger: state, storage, events and reading."""
