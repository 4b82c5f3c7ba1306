"""Passwords: registering, signing in, confirming and changing them."""
