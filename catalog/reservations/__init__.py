"""Reservations: the stock that orders hold."""
