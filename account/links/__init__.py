"""Mailed links: password reset and verification of email addresses."""
