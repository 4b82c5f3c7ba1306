"""The order service: what accounts bought, and where it stands."""
