"""Adjustments of stock: each manual change of a variant's free stock is recorded.

For each variant: free + held + sold = the sum of its adjustments. A variant that is not tracked has no free stock.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from catalog.fields import MAX_STOCK
from catalog.stock.errors import InsufficientStock, StockConflict, StockLimitExceeded, StockNotTracked
from kit.values import AUDIT, FieldReader

_MAX_REASON: Final = 500
_MAX_REQUEST_ID: Final = 255


class Action(StrEnum):
    """The kinds of adjustments. WRITE_OFF and CARRIED are made by the system and have no actor."""

    CREATE = "CREATE"
    ADJUST = "ADJUST"
    SET = "SET"
    STOP_TRACKING = "STOP_TRACKING"
    # An order released stock of a product that is no longer tracked.
    WRITE_OFF = "FORGO"
    # The sum of a product's adjustments that are past their retention (`history`).
    CARRIED = "CARRIED"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of a variant's free stock by `delta`; `product_id` is the variant's id.

    `input_hash` is empty unless the request had an idempotency key.
    """

    id: UUID
    product_id: UUID
    action: Action
    delta: int
    reason: str
    actor_id: UUID | None
    create_time: datetime
    input_hash: bytes = b""

    @classmethod
    def initial(cls, product_id: UUID, free: int, actor_id: UUID, now: datetime) -> "Adjustment":
        """The first stock of a product that is tracked from its creation."""
        return cls(AUDIT.new(), product_id, Action.CREATE, free, "created", actor_id, now)

    def changes_availability(self, before: int | None, after: int | None) -> bool:
        """Whether the product sold out or is back in stock. A product's creation is an event of its own."""
        return self.action is not Action.CREATE and (before == 0) != (after == 0)


@dataclass(frozen=True, slots=True)
class StockChange:
    """A validated relative change. `by_product`: the variant was named by its product, which must not have options then."""

    product_id: UUID
    delta: int
    reason: str
    request_id: str
    by_product: bool = True

    @classmethod
    def parse(
        cls, product_id: UUID, delta: int, reason: str, request_id: str, *, by_product: bool = True
    ) -> "StockChange":
        """Raises InvalidArgument with all violations."""
        reader = FieldReader()
        change = cls(
            product_id,
            reader.integer(delta, "delta", minimum=-MAX_STOCK, maximum=MAX_STOCK),
            reader.text(reason, "reason", max_length=_MAX_REASON, lines=True),
            reader.text(request_id, "idempotencyKey", min_length=1, max_length=_MAX_REQUEST_ID),
            by_product,
        )
        reader.raise_if_invalid()
        return change

    def to_adjustment(self, actor_id: UUID, now: datetime) -> Adjustment:
        """The id is derived from the caller and their request id, so a repeated request gets the same id."""
        key = AUDIT.derive("adjust stock", str(actor_id), self.request_id)
        text = f"{self.product_id.hex}:{self.delta}:{self.reason}"
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return Adjustment(key, self.product_id, Action.ADJUST, self.delta, self.reason, actor_id, now, digest)

    def apply(self, free: int | None) -> int:
        """The new free stock; raises StockNotTracked, InsufficientStock, StockLimitExceeded."""
        if free is None:
            raise StockNotTracked()
        after = free + self.delta
        if after < 0:
            raise InsufficientStock(details={"stock": free})
        if after > MAX_STOCK:
            raise StockLimitExceeded(f"free stock must not exceed {MAX_STOCK:,}", details={"stock": free})
        return after


@dataclass(frozen=True, slots=True)
class StockOverride:
    """A validated new value of the free stock; None stops tracking. `expected` is the value that the caller read, if given.

    `by_product`: the variant was named by its product, which must not have options then.
    """

    product_id: UUID
    stock: int | None
    expected: int | None
    reason: str
    by_product: bool = True

    @classmethod
    def parse(
        cls,
        product_id: UUID,
        stock: int | None,
        expected: int | None,
        reason: str,
        *,
        by_product: bool = True,
    ) -> "StockOverride":
        """Raises InvalidArgument with all violations."""
        reader = FieldReader()
        for name, value in (("stock", stock), ("expected", expected)):
            if value is not None:
                reader.integer(value, name, minimum=0, maximum=MAX_STOCK)
        override = cls(
            product_id,
            stock,
            expected,
            reader.text(reason, "reason", max_length=_MAX_REASON, lines=True),
            by_product,
        )
        reader.raise_if_invalid()
        return override

    def to_adjustment(self, free: int | None, actor_id: UUID, now: datetime) -> Adjustment:
        """The adjustment from the current free stock, None if it is not tracked; raises StockConflict."""
        if self.expected is not None and self.expected != free:
            state = "is not tracked" if free is None else f"is {free:,} now"
            raise StockConflict(f"the free stock {state}, not {self.expected:,}", details={"stock": free})
        action = Action.STOP_TRACKING if self.stock is None else Action.SET
        delta = (self.stock or 0) - (free or 0)
        return Adjustment(AUDIT.new(), self.product_id, action, delta, self.reason, actor_id, now)


@dataclass(frozen=True, slots=True)
class ProductAvailabilityChanged:
    """A variant of a product sold out or is back in stock. A hint: consumers read the current stock.

    `variant_id`: None for the variant that has the product's UUID.
    """

    product_id: UUID
    available: bool
    variant_id: UUID | None = None
