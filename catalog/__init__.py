"""The catalog service: products, categories, search, stock and its reservations."""
