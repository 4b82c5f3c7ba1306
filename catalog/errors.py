"""The catalog's own errors.

SoukError
|- NotFound
|  '- ProductNotFound       absent or deleted
|- AlreadyExists
|  '- SkuTaken              by a living product
|- FailedPrecondition
|  |- OutOfStock            names the lines and what is free
|  |- NotTracked            the product has no stock to adjust
|  |- InsufficientStock     less than nothing would be left
|  |- StockLimit            more would be there than can be counted
|  |- ReindexRunning        another one rebuilds the index
|  '- PriceChanged          the total is not the one that the buyer saw
|- InvalidArgument
|  |- MixedCurrency         (kit.values) an order has one currency
|  '- TotalOutOfRange       the provider does not charge as little or as much
'- Aborted
   |- VersionConflict       somebody changed the product meanwhile
   |  '- StockConflict      or its stock
   '- IdempotencyConflict   the order reserved other lines before, or the key had other input
"""

from kit.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound


class ProductNotFound(NotFound):
    """The product does not exist or was deleted."""

    reason = "PRODUCT_NOT_FOUND"
    default_message = "no such product"


class SkuTaken(AlreadyExists):
    """A living product has the sku."""

    reason = "SKU_TAKEN"
    default_message = "another product has this sku"


class OutOfStock(FailedPrecondition):
    """Too little is free; details name the lines with what is asked and what is free of it."""

    reason = "OUT_OF_STOCK"
    default_message = "not enough in stock"


class NotTracked(FailedPrecondition):
    """The product's inventory is not tracked."""

    reason = "NOT_TRACKED"
    default_message = "the product's stock is not tracked"


class InsufficientStock(FailedPrecondition):
    """More was to be taken than is free; details name what is."""

    reason = "INSUFFICIENT_STOCK"
    default_message = "free stock never goes below zero"


class StockLimit(FailedPrecondition):
    """More would be free than a product can have."""

    reason = "STOCK_LIMIT"


class ReindexRunning(FailedPrecondition):
    """Somebody else rebuilds or repairs the index now."""

    reason = "REINDEX_RUNNING"
    default_message = "the index is being rebuilt or checked by another process"


class PriceChanged(FailedPrecondition):
    """The total differs from the one that the buyer saw; details have the lines and the total of now."""

    reason = "PRICE_CHANGED"
    default_message = "the total has changed"


class TotalOutOfRange(InvalidArgument):
    """The order's total is not one that the payment provider charges: too little, too much, or off the currency's step."""

    reason = "TOTAL_OUT_OF_RANGE"


class VersionConflict(Aborted):
    """The product is not at the version that the caller read; details name the version it is at."""

    reason = "VERSION_CONFLICT"
    default_message = "the product was changed meanwhile"


class StockConflict(VersionConflict):
    """The free stock is not what the caller read; details name what it is."""

    default_message = "the stock was changed meanwhile"


class IdempotencyConflict(Aborted):
    """The order has a reservation of other lines, or the key was used with other input."""

    reason = "IDEMPOTENCY_CONFLICT"
    default_message = "this order reserved other lines before"
