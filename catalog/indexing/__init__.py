"""The search index: its definition, and keeping it equal to the tables."""
