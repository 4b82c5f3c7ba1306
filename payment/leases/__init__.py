"""Leased work: the state that payments, refunds and saved methods share while a worker processes them at the provider."""
