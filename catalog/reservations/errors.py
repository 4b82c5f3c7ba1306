"""Errors of reservations. `domain.rejection_of` says in which order they are checked.

SoukError
|- NotFound
|  '- ProductNotFound        (products) a line's product or variant does not exist or was deleted
|- InvalidArgument
|  |- VariantRequired        (variants) a line names a product with options instead of one of its variants
|  |- MixedCurrency          (kit.values) an order has one currency
|  '- TotalOutOfRange        the payment provider does not charge this total
|- FailedPrecondition
|  |- LineOverLimit          a line has more than the variant allows in one order
|  |- PriceChanged           the total is not the one that the buyer saw
|  '- OutOfStock             too little stock is free
'- Aborted
   '- IdempotencyConflict    (kit.errors) the order already has a reservation with different lines
"""

from kit.errors import FailedPrecondition, InvalidArgument


class OutOfStock(FailedPrecondition):
    """Too little stock is free; `details.lines` has the requested and available quantity of each line in question."""

    reason = "OUT_OF_STOCK"
    default_message = "not enough in stock"


class LineOverLimit(FailedPrecondition):
    """A line has more than one order may have of the variant; `details.lines` has the limit of each line in question."""

    reason = "LINE_OVER_LIMIT"
    default_message = "more than one order may have"


class PriceChanged(FailedPrecondition):
    """The total differs from the expected total; `details` has the current prices and total."""

    reason = "PRICE_CHANGED"
    default_message = "the total has changed"


class TotalOutOfRange(InvalidArgument):
    """The payment provider does not charge the total: too small, too large, or not a multiple of the currency's step."""

    reason = "TOTAL_OUT_OF_RANGE"
