"""Writes new orders: one statement for any number of orders, with their lines, history, idempotency keys and outbox rows."""

from collections.abc import Sequence
from uuid import UUID

from kit.db import Database, Transaction
from order.orders.domain import Order
from order.orders.rows import read_orders
from order.tables import OrderRow
from order.writing.arguments import statement_and_arguments
from order.writing.domain import AccountLimits
from order.writing.ports import ExistingOrder, NewOrder, Outcome

_TAKE_NUMBERS = "SELECT nextval('order_numbers') AS number FROM generate_series(1, $1)"

# A guest remains the caller of its orders. Until GuestMerged has been handled, only the cart belongs to the account.
_FIND_OF_CART = """
SELECT id FROM orders WHERE caller_id = $1 AND request_id = $3
UNION ALL SELECT id FROM orders WHERE account_id = $1 AND cart_id = $2 AND request_id = $3
UNION ALL SELECT o.id FROM carts c JOIN orders o ON o.id = c.order_id
    WHERE c.id = $2 AND c.account_id = $1 AND o.request_id = $3
LIMIT 1
"""


class PostgresNewOrderStore:
    """`ports.NewOrderStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def place(
        self, orders: Sequence[NewOrder], limits: AccountLimits, tx: Transaction | None = None
    ) -> list[Outcome]:
        """Of several orders with the same id, only the first is written."""
        if not orders:
            return []
        first = {new.event.order.id: new for new in reversed(orders)}
        assert self._db.publishes is not None
        sql, arguments = statement_and_arguments(list(first.values()), limits, self._db.publishes)
        statements = tx or self._db
        rows = await statements.fetch(sql, *arguments)
        outcomes = {row["id"]: Outcome(row["outcome"]) for row in rows}
        if Outcome.WRITTEN in outcomes.values():
            statements.notify_emitted()

        def outcome(new: NewOrder) -> Outcome:
            result = outcomes.get(new.event.order.id, Outcome.DUPLICATE)
            duplicate = first[new.event.order.id] is not new
            return Outcome.DUPLICATE if duplicate and result is Outcome.WRITTEN else result

        return [outcome(new) for new in orders]

    async def find_by_key(self, caller_id: UUID, request_id: str) -> ExistingOrder | None:
        """Looks up the key's unique index, then reads the order."""
        by_key = (OrderRow.caller_id == caller_id) & (OrderRow.request_id == request_id)
        row = await self._db.run(OrderRow.select(OrderRow.id, OrderRow.input_hash).where(by_key).first())
        orders = await read_orders(self._db, [row]) if row else []
        return ExistingOrder(orders[0], bytes(row["input_hash"])) if orders else None

    async def find_of_cart(self, account_id: UUID, cart_id: UUID, request_id: str) -> Order | None:
        """Looks for the account's own key first; then reads the order."""
        rows = await self._db.fetch(_FIND_OF_CART, account_id, cart_id, request_id)
        orders = await read_orders(self._db, rows)
        return orders[0] if orders else None

    async def take_numbers(self, count: int) -> list[int]:
        """One statement."""
        rows = await self._db.fetch(_TAKE_NUMBERS, count)
        return [row["number"] for row in rows]
