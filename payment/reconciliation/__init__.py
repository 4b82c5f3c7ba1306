"""Reconciliation with the provider: what it has charged and refunded, and a database that was restored to an earlier time does not know."""
