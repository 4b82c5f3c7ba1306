"""Saved payment methods: saving, listing, deleting, and charging them for their account."""
