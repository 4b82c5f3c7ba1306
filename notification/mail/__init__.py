"""Mail: leases queued notifications, renders them and sends them over SMTP, at least once."""
