"""What the use cases need of the world. `store.Store` and `peers.Catalog` keep these, and so do the fakes in the tests.

A store's method that takes a transaction writes or locks in it; the others are single statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Protocol
from uuid import UUID

from kit.auth import Principal
from kit.db import Transaction
from kit.events import context_headers
from order.domain import Line, Order, OrderPlaced, Purchase, Status


@dataclass(frozen=True, slots=True)
class Placement:
    """A new order with whom and under which key it was asked for; `headers` tell its event's trace, as it may be written with others."""

    fact: OrderPlaced
    caller_id: UUID
    purchase: Purchase
    headers: str = field(default_factory=context_headers)


class Outcome(Enum):
    """What became of a placement."""

    WRITTEN = "WRITTEN"
    # The id or the caller's key is taken: the order is stored already.
    TAKEN = "TAKEN"
    TOO_MANY_PENDING = "TOO_MANY_PENDING"
    TOO_MANY_FAILED = "TOO_MANY_FAILED"


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What one account may have: unpaid orders at once, failed payments within an hour."""

    pending: int
    failed_payments: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The order that a caller's key stands for, and the hash of its input."""

    order: Order
    input_hash: bytes


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; None: any, and no statuses: none. `created_after` is inclusive, `created_before` exclusive."""

    account_id: UUID | None = None
    statuses: tuple[Status, ...] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class StockState(StrEnum):
    """Where an order's reservation stands, in the catalog's words."""

    NONE = "NONE"
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"

    @property
    def is_ours(self) -> bool:
        """Whether the stock is the order's now."""
        return self in (StockState.HELD, StockState.COMMITTED)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What the catalog holds for an order, priced; no lines unless `state.is_ours`."""

    state: StockState
    lines: tuple[Line, ...]
    expire_time: datetime


class OrderStore(Protocol):
    """Keeps orders."""

    async def place(
        self, placements: Sequence[Placement], limits: AccountLimits, tx: Transaction | None = None
    ) -> list[Outcome]:
        """Writes orders with everything that belongs to them, each or not, in one statement; an outcome for each.

        With a transaction, they are written when it commits.
        """
        ...

    async def find_request(self, caller_id: UUID, request_id: str) -> Stored | None:
        """The order that was placed under a key."""
        ...

    async def get(self, order_id: UUID, owner: UUID | None) -> Order | None:
        """An order; with an owner, only if it is theirs."""
        ...

    async def page(self, which: OrderFilter, after: tuple[datetime, UUID] | None, limit: int) -> list[Order]:
        """Orders, newest first, that follow the one created then with that id."""
        ...

    async def page_each(
        self, which: OrderFilter, account_ids: Sequence[UUID], limit: int
    ) -> Mapping[UUID, Sequence[Order]]:
        """The newest of each account; one without any may be left out."""
        ...

    async def count_each(self, which: OrderFilter, account_ids: Sequence[UUID]) -> Mapping[UUID, int | None]:
        """How many each account has, as `count` does."""
        ...

    async def count(self, which: OrderFilter) -> int | None:
        """How many there are; None: more than MAX_COUNT."""
        ...

    async def lock(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order | None:
        """An order that nobody else changes until `tx` ends; with an owner, only if it is theirs."""
        ...

    async def lock_overdue(self, tx: Transaction, now: datetime, limit: int) -> list[Order]:
        """PENDING orders past their deadline that nobody else is changing."""
        ...

    async def lock_open(self, tx: Transaction, account_id: UUID) -> list[Order]:
        """An account's orders that are neither DELIVERED nor CANCELLED; nobody else changes them until `tx` ends."""
        ...

    async def forget_person(self, tx: Transaction, account_id: UUID) -> None:
        """Takes from an account's orders what tells who it was: addresses but for the country, and why it cancelled."""
        ...

    async def note_closed(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Remembers that an account is gone."""
        ...

    async def closed_with_orders(self, since: datetime) -> list[UUID]:
        """Accounts closed since then that have an order which was placed too late to be cancelled and forgotten with the others."""
        ...

    async def save(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """Writes what transitions changed."""
        ...


class AdminVerifier(Protocol):
    """The account service, which knows who is an ADMIN now."""

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is one, Unauthenticated when the session has ended."""
        ...


class Catalog(Protocol):
    """The catalog's stock."""

    async def reserve(self, order_id: UUID, purchase: Purchase) -> Reservation:
        """Prices and holds all of it or nothing; idempotent by order id. Raises what the catalog refuses, with the caller's lines named."""
        ...

    async def commit(self, order_id: UUID) -> StockState:
        """Makes a held reservation sold; answers its state then."""
        ...

    async def release(self, order_id: UUID) -> StockState:
        """Gives a reservation back; answers its state then."""
        ...
