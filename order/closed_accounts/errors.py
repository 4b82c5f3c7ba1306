"""Errors of closing an account's orders.

SoukError
'- FailedPrecondition
   '- OpenOrdersExist   the account has paid orders that are not delivered yet
"""

from kit.errors import FailedPrecondition


class OpenOrdersExist(FailedPrecondition):
    """The account cannot be deleted while it has paid orders that are not delivered."""

    reason = "ORDERS_OPEN"
    default_message = "the account has paid orders that are not delivered yet"
