"""Devices that signed in before (ADR 0023)."""
