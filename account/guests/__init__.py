"""Guests: accounts that cannot sign in. They order, register or are merged into an account, and are deleted when they are not used."""
