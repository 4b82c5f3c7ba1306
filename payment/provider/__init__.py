"""The payment provider: Stripe, behind a circuit breaker."""
