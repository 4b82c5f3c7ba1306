"""Errors of requesting a refund.

SoukError
'- Aborted
   '- IdempotencyConflict   the key was used with different input
"""

from kit.errors import Aborted


class IdempotencyConflict(Aborted):
    """The idempotency key was used before, with different input."""

    reason = "IDEMPOTENCY_CONFLICT"
    default_message = "this idempotency key was already used with different input"
