"""Webhooks of the provider: each makes the payment or refund that it names due."""
