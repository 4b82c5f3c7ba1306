"""A stand-in for Stripe: payment intents, refunds, idempotency keys, test payment methods, signed webhooks."""
