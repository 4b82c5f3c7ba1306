"""A mock of Stripe: payment intents, refunds, idempotency keys, test payment methods, signed webhooks."""
