"""account: people, their sessions and their roles."""
