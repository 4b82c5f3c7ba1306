"""Changes of the caller's cart. Prices are named before the transaction; the lock of the cart is held only within it.

Not here: what a cart costs and what is wrong with it (`cart_quotes`), merging and reopening (`cart_moves`).
"""

from collections.abc import Sequence
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.errors import IdempotencyConflict, SoukError, Violation
from kit.values import Clock, MixedCurrency
from order.carts.domain import (
    MAX_LINES,
    MAX_QUANTITY,
    Addition,
    CartChange,
    CartLifetimes,
    NewLine,
    Sellable,
    Unsellable,
)
from order.carts.errors import LineNotFound, ProductNotFound, TooManyLines, VariantRequired
from order.carts.ports import CartStore, Prices


class Carts:
    """Changes carts."""

    def __init__(
        self,
        db: Database,
        store: CartStore,
        prices: Prices,
        lifetimes: CartLifetimes,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._prices = prices
        self._lifetimes = lifetimes
        self._clock = clock

    async def add(self, caller: Principal, addition: Addition) -> None:
        """Adds units once per key.

        Raises ProductNotFound, VariantRequired, MixedCurrency, TooManyLines, IdempotencyConflict, and the errors of the catalog.
        """
        try:
            lines = _new_lines(addition, await self._prices.price(list(addition.quantities)))
        except SoukError:
            # A repeated addition depends neither on the catalog nor on what is sold now.
            stored = await self._store.find_request(caller.account_id, addition.request_id)
            if stored is None:
                raise
            _require_same_input(stored, addition)
        else:
            await self._add(caller, addition, lines)

    async def set_quantity(self, caller: Principal, line_id: UUID, quantity: int) -> None:
        """Sets the quantity of a line; 0 removes it. Raises LineNotFound; a line that is removed again is no error."""
        try:
            await self._set_quantity(caller, line_id, quantity)
        except LineNotFound:
            if quantity:
                raise

    async def change(self, caller: Principal, change: CartChange) -> None:
        """Sets addresses, shipping method and note."""
        account_id, now = caller.account_id, self._clock()
        expire_time = self._lifetimes.of_open(now, is_guest=caller.guest)
        await self._store.change(account_id, change, now, expire_time)

    @retry_on_contention
    async def _add(self, caller: Principal, addition: Addition, lines: Sequence[NewLine]) -> None:
        account_id, now = caller.account_id, self._clock()
        expire_time = self._lifetimes.of_open(now, is_guest=caller.guest)
        async with self._db.transaction() as tx:
            if stored := await self._store.record_request(tx, account_id, addition, now):
                _require_same_input(stored, addition)
                return
            currency = lines[0].price.currency
            cart = await self._store.open(tx, account_id, currency, now, expire_time)
            if cart.currency != currency:
                raise MixedCurrency("the cart has another currency", details={"currency": cart.currency})
            if await self._store.add_lines(tx, cart.id, lines, now) > MAX_LINES:
                raise TooManyLines()

    @retry_on_contention
    async def _set_quantity(self, caller: Principal, line_id: UUID, quantity: int) -> None:
        account_id, now = caller.account_id, self._clock()
        expire_time = self._lifetimes.of_open(now, is_guest=caller.guest)
        async with self._db.transaction() as tx:
            cart_id = await self._store.lock_line(tx, account_id, line_id, now, expire_time)
            if cart_id is None or not await self._store.set_quantity(tx, cart_id, line_id, quantity):
                # Rolled back: the cart keeps its version.
                raise LineNotFound()


def _require_same_input(stored: bytes, addition: Addition) -> None:
    if stored != addition.input_hash:
        raise IdempotencyConflict()


def _new_lines(addition: Addition, variants: Sequence[Sellable | Unsellable]) -> list[NewLine]:
    """The lines to add; a product without options and its variant are one line."""
    named = list(zip(addition.quantities.items(), variants, addition.first_lines, strict=True))
    if missing := [index for _, variant, index in named if variant is Unsellable.UNKNOWN]:
        rule = "must be the id of a product or variant that exists"
        raise ProductNotFound(fields=[Violation(("lines", index, "id"), rule) for index in missing])
    if products := [index for _, variant, index in named if variant is Unsellable.HAS_OPTIONS]:
        rule = "has options: name one of its variants"
        raise VariantRequired(fields=[Violation(("lines", index, "id"), rule) for index in products])
    lines: dict[UUID, NewLine] = {}
    for (_, quantity), variant, _index in named:
        assert isinstance(variant, Sellable)
        earlier = lines[variant.variant_id].quantity if variant.variant_id in lines else 0
        lines[variant.variant_id] = NewLine(
            variant.variant_id, min(earlier + quantity, MAX_QUANTITY), variant.price
        )
    if len({line.price.currency for line in lines.values()}) > 1:
        raise MixedCurrency()
    # The rows are written in the order of the request; the cart's lock protects them from a deadlock.
    return list(lines.values())
