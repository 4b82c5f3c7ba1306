"""The page at http://127.0.0.1:8000/ in development: every part of the stack with its state, and how to reach it."""
