"""Charging: takes over orders, charges their payments at the provider, and cancels what may no longer be charged."""
