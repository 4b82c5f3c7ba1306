"""Errors of stock.

SoukError
|- FailedPrecondition
|  |- StockNotTracked         the product has no stock to adjust
|  |- InsufficientStock       the free stock would be negative
|  '- StockLimitExceeded      the free stock would exceed the maximum
'- Aborted
   |- StockConflict           a VersionConflict: the stock was modified concurrently
   '- IdempotencyConflict     (kit.errors) an idempotency key was used again with different input
"""

from catalog.products.errors import VersionConflict
from kit.errors import FailedPrecondition


class StockNotTracked(FailedPrecondition):
    """The product's stock is not tracked."""

    reason = "NOT_TRACKED"
    default_message = "the product's stock is not tracked"


class InsufficientStock(FailedPrecondition):
    """The adjustment takes more than is free; `details.stock` is the free stock."""

    reason = "INSUFFICIENT_STOCK"
    default_message = "free stock cannot go below zero"


class StockLimitExceeded(FailedPrecondition):
    """The free stock would exceed `MAX_STOCK`; `details.stock` is the free stock."""

    reason = "STOCK_LIMIT"


class StockConflict(VersionConflict):
    """The free stock is not what the caller expected; `details.stock` is the free stock."""

    default_message = "the stock was modified concurrently"
