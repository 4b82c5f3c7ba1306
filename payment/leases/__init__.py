"""Leased work: the state that payments and refunds share while a worker processes them at the provider."""
