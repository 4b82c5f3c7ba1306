"""Search for accounts by administrators."""
