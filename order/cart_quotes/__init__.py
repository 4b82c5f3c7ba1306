"""What the caller's cart costs now, what changed since its lines were added, and what checkout would reject; serves carts."""
