"""Checkout: turns the caller's cart into an order, once for each version of the cart."""
