"""Guests that were merged into accounts: a service that keeps rows of accounts gives those of the guest to the account (ADR 0043)."""

from kit.guests.merged import MERGED_ACCOUNT, MergedGuests
from kit.guests.tables import MergedAccountRow

__all__ = ["MERGED_ACCOUNT", "MergedAccountRow", "MergedGuests"]
