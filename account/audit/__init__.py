"""The audit log of all services: security events, and actions of administrators and console commands."""
