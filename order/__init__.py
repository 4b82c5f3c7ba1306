"""The order service: orders and their status."""
