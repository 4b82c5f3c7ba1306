"""The payment service: charges orders through the provider, refunds, and keeps the ledger."""
