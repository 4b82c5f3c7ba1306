"""Payments that the buyer's page confirms: startPayment."""
