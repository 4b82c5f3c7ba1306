"""Writes new orders: one statement for any number of orders, if their rules, carts, keys and limits allow it."""
