"""The notification service: emails customers about their account, orders and refunds, once per event, and keeps the history."""
