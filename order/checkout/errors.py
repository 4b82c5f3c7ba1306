"""Errors of checkout.

SoukError
|- NotFound
|  '- CartNotFound     unknown, or another account's
'- FailedPrecondition
   |- CartEmpty        nothing to order
   '- CartIncomplete   something is missing or wrong; the details list the problems

CART_CHANGED and PRICE_CHANGED are errors of placing and of quotes; OUT_OF_STOCK is the catalog's.
"""

from kit.errors import FailedPrecondition, NotFound


class CartNotFound(NotFound):
    """The cart does not exist or belongs to another account; the error does not say which."""

    reason = "CART_NOT_FOUND"
    default_message = "cart not found"


class CartEmpty(FailedPrecondition):
    """The cart has no lines."""

    reason = "CART_EMPTY"
    default_message = "the cart is empty"


class CartIncomplete(FailedPrecondition):
    """Something is missing or wrong; `details.problems` are the cart's problems, each with code and path."""

    reason = "CART_INCOMPLETE"
    default_message = "the cart cannot be ordered yet"
