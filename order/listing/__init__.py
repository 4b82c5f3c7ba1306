"""Lists of orders: pages and counts by account, status and creation time."""
