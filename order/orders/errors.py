"""Errors of reading and changing an order.

SoukError
|- NotFound
|  '- OrderNotFound       the order does not exist or belongs to another account
'- FailedPrecondition
   '- InvalidOrderState   the order's status does not allow the command
"""

from kit.errors import FailedPrecondition, NotFound


class OrderNotFound(NotFound):
    """The order does not exist or belongs to another account; the error does not say which."""

    reason = "ORDER_NOT_FOUND"
    default_message = "order not found"


class InvalidOrderState(FailedPrecondition):
    """The order's status does not allow the command; message and details name both statuses."""

    reason = "ORDER_STATE"
