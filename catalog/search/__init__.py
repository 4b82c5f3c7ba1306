"""Searching products, and suggestions for a search box."""
