"""Carts that change hands: merged into another account's, reopened after an unpaid order, deleted with their account."""
