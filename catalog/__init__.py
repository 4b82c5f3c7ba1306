"""The catalog service: categories, products, stock, reservations and search."""
