"""The notification service: tells people by mail what happened, once for each fact, and keeps the history."""
