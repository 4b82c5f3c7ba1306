"""The payment service: charges and refunds orders at the payment provider, and keeps the ledger."""
