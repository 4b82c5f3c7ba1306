"""Mail: leases queued notifications, renders them and has them sent, at least once."""
