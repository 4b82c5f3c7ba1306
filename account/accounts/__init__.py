"""Accounts: profiles, roles and deletion."""
