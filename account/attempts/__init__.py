"""Limits on attempts: passwords, registrations and mails (ADR 0023)."""
