"""Saved addresses: the postal addresses that an account keeps, with its defaults for shipping and billing."""
