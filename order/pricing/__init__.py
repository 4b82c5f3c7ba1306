"""Pricing: one pure function that turns lines and rules into amounts; the cart, the order and previews use the same one."""
