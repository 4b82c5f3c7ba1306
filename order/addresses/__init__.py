"""Postal addresses: of orders and of carts."""
