"""Carts: what an account is about to buy, priced whenever it is read; changing, merging, expiring and reopening them."""
