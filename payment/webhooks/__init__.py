"""Webhooks of the provider: each makes the payment, refund or saved method that it names due."""
