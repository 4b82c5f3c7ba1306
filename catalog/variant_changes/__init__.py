"""Changing the variants of products: declaring all of them, or updating one."""
