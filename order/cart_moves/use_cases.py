"""Carts that change hands: a guest's cart merges into an account's, and the cart of an unpaid order opens again.

Everything runs in the transaction of what causes it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock, Position
from order.cart_moves.ports import Guests, MovingStore
from order.carts.domain import ENDED_LIFETIME, CartHead, ended_expire_time
from order.orders.domain import Order

_SWEEP_BATCH_SIZE = 1000
# Longer than any transaction, and than clocks differ.
_SWEEP_OVERLAP = timedelta(hours=1)
_FIRST_ID = UUID(int=0)


class CartMoves:
    """Merges, reopens and erases carts."""

    def __init__(self, store: MovingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def merge(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> bool:
        """Moves a guest's carts to an account; of a variant in both open carts, the larger quantity counts. Idempotent.

        False if lines stayed in the guest's cart, because of another currency or of the limit of lines.
        """
        carts = await self._store.lock_open(tx, [guest_id, into_id])
        source, target = carts.get(guest_id), carts.get(into_id)
        is_complete = True
        if source and target:
            is_complete = await self._merge(tx, source, target, self._clock())
        await self._store.change_owner(tx, guest_id, into_id)
        return is_complete

    async def reopen(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """Opens the carts of cancelled orders again, each at a new version. One whose account has an open cart merges into that."""
        order_ids = {order.cart_id: order.id for order in orders if order.cart_id}
        if not order_ids:
            return
        ordered = await self._store.lock_ordered(tx, order_ids)
        targets = await self._store.lock_open(tx, [cart.account_id for cart in ordered])
        to_open = {cart.account_id: cart for cart in reversed(ordered) if cart.account_id not in targets}
        now = self._clock()
        await self._store.reopen(tx, [cart.id for cart in to_open.values()], now, ended_expire_time(now))
        targets = {**targets, **to_open}
        for cart in ordered:
            if (target := targets[cart.account_id]) is not cart:
                await self._merge(tx, cart, target, now)

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes all carts of an account."""
        await self._store.erase(tx, account_id)

    async def _merge(self, tx: Transaction, source: CartHead, target: CartHead, now: datetime) -> bool:
        same = not source.currency or not target.currency or source.currency == target.currency
        is_complete = same and await self._store.merge_lines(tx, source.id, target.id)
        await self._store.end_merged(tx, source.id, target.id, now, ended_expire_time(now))
        return is_complete


class GuestCarts:
    """Merges the carts of guests for their new owners; the event of the account service has the same effect, whichever comes first."""

    def __init__(self, db: Database, moves: CartMoves, guests: Guests) -> None:
        self._db = db
        self._moves = moves
        self._guests = guests

    async def merge(self, caller: Principal, guest_token: str) -> None:
        """Merges the guest of a token, and its cart, into the caller's; raises the errors of the account service."""
        guest_id = await self._guests.merge(guest_token)
        await self._merge(guest_id, caller.account_id)

    @retry_on_contention
    async def _merge(self, guest_id: UUID, into_id: UUID) -> None:
        async with self._db.transaction() as tx:
            await self._moves.merge(tx, guest_id, into_id)


class UnpaidCarts:
    """Reopens the carts of orders that were cancelled by a replica of an earlier version, which does not know carts."""

    def __init__(self, db: Database, store: MovingStore, moves: CartMoves, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._moves = moves
        self._clock = clock
        self._since: datetime | None = None

    @retry_on_contention
    async def reopen(self) -> None:
        """Looks at each cancelled order since the last run, in batches; run by a sweep. Does nothing for a cart that was reopened."""
        started_at = self._clock()
        # The first run looks back as far as ordered carts are kept: the earlier version may have run alone until now.
        since = self._since or started_at - ENDED_LIFETIME - timedelta(days=1)
        after: Position | None = (since, _FIRST_ID)
        while after:
            async with self._db.transaction() as tx:
                orders, after = await self._store.cancelled_orders(tx, after, _SWEEP_BATCH_SIZE)
                await self._moves.reopen(tx, [order for order in orders if order.reopens_cart])
        self._since = started_at - _SWEEP_OVERLAP
