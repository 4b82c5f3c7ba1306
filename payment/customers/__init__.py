"""Accounts at the provider: made when they are first needed, deleted with the account."""
