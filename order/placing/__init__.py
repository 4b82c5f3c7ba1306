"""Placing an order: reserves stock in the catalog, then writes the order under its idempotency key and the account limits."""
