"""Reading payments, and what of a payment each caller sees."""
