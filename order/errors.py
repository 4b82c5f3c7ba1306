"""The order service's own errors.

    SoukError
    |- NotFound
    |  '- OrderNotFound         absent, or not the caller's
    |- FailedPrecondition
    |  |- OrderState            the order's status does not allow it
    |  '- OrdersOpen            an account with such orders cannot go
    |- Aborted
    |  '- IdempotencyConflict   the key was used with other input
    '- ResourceExhausted
       |- TooManyPending        orders that wait for their payment
       |- TooManyFailedPayments within an hour
       '- TooManyUnits          of one product

What the catalog refuses (OUT_OF_STOCK, PRODUCT_NOT_FOUND, PRICE_CHANGED ...) is passed on as it comes and has no class here.
"""

from kit.errors import Aborted, FailedPrecondition, NotFound, ResourceExhausted


class OrderNotFound(NotFound):
    """The order does not exist, or is not the caller's: the two look alike."""

    reason = "ORDER_NOT_FOUND"
    default_message = "no such order"


class OrderState(FailedPrecondition):
    """The order's status does not allow what was asked; the message names both statuses."""

    reason = "ORDER_STATE"


class OrdersOpen(FailedPrecondition):
    """The account has orders that were paid and have not arrived."""

    reason = "ORDERS_OPEN"
    default_message = "orders that were paid and have not arrived stand in the way"


class IdempotencyConflict(Aborted):
    """The idempotency key was used before, with other input."""

    reason = "IDEMPOTENCY_CONFLICT"
    default_message = "this idempotency key was used with other input"


class TooManyPending(ResourceExhausted):
    """The account has as many unpaid orders as it may have at once."""

    reason = "TOO_MANY_PENDING_ORDERS"
    default_message = "too many orders wait for their payment"


class TooManyFailedPayments(ResourceExhausted):
    """Too many of the account's payments failed within the last hour."""

    reason = "TOO_MANY_FAILED_PAYMENTS"
    default_message = "too many payments failed within the last hour"


class TooManyUnits(ResourceExhausted):
    """More units of one product than the deployment sells at once."""

    reason = "TOO_MANY_UNITS"
