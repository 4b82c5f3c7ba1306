"""Errors of placing an order.

    SoukError
    |- FailedPrecondition
    |  '- CartChanged            it is not open, or not as the buyer saw it
    '- ResourceExhausted
       |- TooManyPending         unpaid orders of the account
       |- TooManyFailedPayments  of the account within an hour
       '- TooManyUnits           of one product

Errors of `quotes`, and of the catalog (OUT_OF_STOCK, PRODUCT_NOT_FOUND ...) are passed on unchanged and have no class here.
"""

from kit.errors import FailedPrecondition, ResourceExhausted


class TooManyPending(ResourceExhausted):
    """The account has the maximum number of unpaid orders."""

    reason = "TOO_MANY_PENDING_ORDERS"
    default_message = "too many unpaid orders"


class TooManyFailedPayments(ResourceExhausted):
    """Too many payments of the account failed within the last hour."""

    reason = "TOO_MANY_FAILED_PAYMENTS"
    default_message = "too many payments failed within the last hour"


class TooManyUnits(ResourceExhausted):
    """More units of one product than the deployment allows per order."""

    reason = "TOO_MANY_UNITS"


class CartChanged(FailedPrecondition):
    """The cart is not open, or not at the version that the buyer saw."""

    reason = "CART_CHANGED"
    default_message = "the cart has changed"
