"""Errors of placing an order.

    SoukError
    '- ResourceExhausted
       |- TooManyPending         unpaid orders of the account
       |- TooManyFailedPayments  of the account within an hour
       '- TooManyUnits           of one product

Errors of the catalog (OUT_OF_STOCK, PRODUCT_NOT_FOUND, PRICE_CHANGED ...) are passed on unchanged and have no class here.
"""

from kit.errors import ResourceExhausted


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
