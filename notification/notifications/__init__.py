"""Notifications: one per event and account. Queued by event handlers, listed over gRPC, sent by `notification.mail`."""
