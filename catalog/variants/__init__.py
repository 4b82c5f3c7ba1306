"""Variants: what a product is sold as."""
