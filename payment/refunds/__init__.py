"""Refunding: takes requests of an ADMIN, and makes refunds at the provider."""
