"""Carts: what an account is about to buy; changing and expiring them."""
