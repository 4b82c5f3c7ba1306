"""Reserving for many orders at once: prices and takes all lines of an order, or none of them, in one statement for all orders.

Stock rows are locked in the order of their products, before any reservation is written. Why an order is refused is said by the domain.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.errors import OutOfStock
from catalog.stock_domain import Offer, PricedLine, Reservation, ReservationState, Wish, refusal
from kit.db import Database, DatabaseContention, Record, UniqueViolation, transpose
from kit.errors import SoukError
from kit.values import CURRENCIES, Money

_CURRENCIES = ", ".join(
    f"('{c.code}', {c.exponent}, {c.minimum}, {c.maximum}, {c.step})" for c in CURRENCIES.values()
)

# What is left follows from what was read under the lock, not from `stock.free`: PostgreSQL judges a CHECK on what the row was in the
# statement's snapshot before it looks at what it has become, and would refuse what came back meanwhile.
# `demand` counts what the wishes before this one want of the same product too, so that together they never take more than there is.
_RESERVE = f"""
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::numeric[]) WITH ORDINALITY AS a(order_id, input_hash, expected_total, turn)
), want AS MATERIALIZED (
    SELECT * FROM unnest($4::uuid[], $5::int[], $6::uuid[], $7::bigint[]) AS w(order_id, position, product_id, quantity)
), prior AS MATERIALIZED (
    SELECT r.* FROM reservations r JOIN asked USING (order_id)
), fresh AS MATERIALIZED (
    SELECT want.*, asked.turn FROM want JOIN asked USING (order_id) WHERE order_id NOT IN (SELECT order_id FROM prior)
), locked AS MATERIALIZED (
    SELECT product_id, free FROM stock WHERE product_id IN (SELECT product_id FROM fresh) ORDER BY product_id FOR UPDATE
), judged AS MATERIALIZED (
    SELECT f.order_id, f.position, f.product_id, f.quantity, p.name, p.price, p.currency, l.free,
        sum(f.quantity) OVER (PARTITION BY f.product_id ORDER BY f.turn) AS demand
    FROM fresh f
    LEFT JOIN products p ON p.id = f.product_id AND p.delete_time IS NULL
    LEFT JOIN locked l ON l.product_id = f.product_id
), good AS MATERIALIZED (
    SELECT j.order_id, min(j.currency) AS currency
    FROM judged j JOIN asked a USING (order_id)
    LEFT JOIN (VALUES {_CURRENCIES}) AS c(code, exponent, minimum, maximum, step) ON c.code = j.currency
    GROUP BY j.order_id, a.expected_total
    HAVING bool_and(j.price IS NOT NULL AND (j.free IS NULL OR j.demand <= j.free))
        AND count(DISTINCT j.currency) = 1
        AND sum(j.price::numeric * j.quantity) BETWEEN min(c.minimum) AND max(c.maximum)
        AND sum(j.price::numeric * j.quantity) % min(c.step) = 0
        AND coalesce(a.expected_total * power(10::numeric, min(c.exponent)) = sum(j.price::numeric * j.quantity), true)
), held AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT order_id, 'HELD', input_hash, currency, $8, $8, $9 FROM good JOIN asked USING (order_id) ORDER BY order_id
), lines AS (
    INSERT INTO reservation_lines (order_id, position, product_id, name, unit_price, quantity, taken)
    SELECT order_id, position, product_id, name, price, quantity, CASE WHEN free IS NULL THEN 0 ELSE quantity END
    FROM judged JOIN good USING (order_id)
), taken AS (
    UPDATE stock s SET free = t.free
    FROM (
        SELECT product_id, (min(free) - sum(quantity))::bigint AS free FROM judged JOIN good USING (order_id)
        WHERE judged.free IS NOT NULL GROUP BY product_id
    ) t
    WHERE s.product_id = t.product_id
    RETURNING s.product_id, s.free
), gone AS (
    INSERT INTO availability_changes (product_id) SELECT product_id FROM taken WHERE free = 0
)
SELECT j.order_id, j.position, j.product_id, j.name, j.price, j.currency, j.quantity, j.free,
    CASE WHEN g.order_id IS NULL THEN '' ELSE 'HELD' END AS state, NULL::bytea AS input_hash, $9::timestamptz AS expire_time
FROM judged j LEFT JOIN good g USING (order_id)
UNION ALL
SELECT p.order_id, l.position, l.product_id, l.name, l.unit_price, p.currency, l.quantity, NULL, p.state, p.input_hash, p.expire_time
FROM prior p LEFT JOIN reservation_lines l USING (order_id)
ORDER BY order_id, position
"""  # noqa: S608 - of our own constants

# Others may take the stock between two rounds; after so many the caller is asked to try again.
_ROUNDS: Final = 5

Rows = Mapping[UUID, Sequence[Record]]


async def reserve(
    db: Database, wishes: Sequence[Wish], now: datetime, expire_time: datetime
) -> dict[UUID, Reservation | SoukError]:
    """An outcome for each wish, as if they had come one after the other; their order ids differ.

    The statement counts what the wishes before one want, even if they do not get it. Those that had to go without for
    that reason alone are reserved together by the next statement.
    """
    outcomes: dict[UUID, Reservation | SoukError] = {}
    again = wishes
    for _ in range(_ROUNDS):
        rows = await _statement(db, again, now, expire_time)
        outcomes |= {wish.order_id: _outcome(wish, rows[wish.order_id]) for wish in again}
        out_of_stock = [wish for wish in again if _is_out_of_stock(outcomes[wish.order_id])]
        if not out_of_stock:
            return outcomes
        again = await _reserved_meanwhile(db, out_of_stock)
        left = _left(rows)
        for wish in out_of_stock:
            if wish in again:
                continue
            if _take(wish, left):
                again.append(wish)
            else:
                outcomes[wish.order_id] = refusal(wish, _offers(wish, rows[wish.order_id], left))
        if not again:
            return outcomes
    return outcomes | {wish.order_id: DatabaseContention("stock kept changing") for wish in again}


async def _statement(db: Database, wishes: Sequence[Wish], now: datetime, expire_time: datetime) -> Rows:
    heads = transpose(((wish.order_id, wish.input_hash, wish.expected_total) for wish in wishes), 3)
    wants = (
        (wish.order_id, at, want.product_id, want.quantity)
        for wish in wishes
        for at, want in enumerate(wish.wants)
    )
    args = [*heads, *transpose(wants, 4), now, expire_time]
    for _ in range(_ROUNDS):
        try:
            rows = await db.fetch(_RESERVE, *args)
        except UniqueViolation:  # another statement made one of them: now this one sees it
            continue
        grouped: dict[UUID, list[Record]] = defaultdict(list)
        for row in rows:
            grouped[row["order_id"]].append(row)
        return grouped
    raise DatabaseContention("a reservation kept changing")


async def _reserved_meanwhile(db: Database, wishes: Sequence[Wish]) -> list[Wish]:
    """Those whose order was reserved by another statement while ours waited for a lock, and so did not see it."""
    sql = "SELECT order_id FROM reservations WHERE order_id = ANY($1::uuid[])"
    known = {row["order_id"] for row in await db.fetch(sql, [wish.order_id for wish in wishes])}
    return [wish for wish in wishes if wish.order_id in known]


def _left(rows: Rows) -> dict[UUID, int]:
    """What is left of each tracked product after a statement."""
    left: dict[UUID, int] = {}
    for row in (row for of_order in rows.values() for row in of_order if row["free"] is not None):
        left.setdefault(row["product_id"], row["free"])
        if row["state"]:
            left[row["product_id"]] -= row["quantity"]
    return left


def _take(wish: Wish, left: dict[UUID, int]) -> bool:
    """Takes what is wanted from what is left, if there is enough of everything."""
    tracked = [want for want in wish.wants if want.product_id in left]
    if any(want.quantity > left[want.product_id] for want in tracked):
        return False
    for want in tracked:
        left[want.product_id] -= want.quantity
    return True


def _is_out_of_stock(outcome: Reservation | SoukError) -> bool:
    return isinstance(outcome, OutOfStock)


def _outcome(wish: Wish, rows: Sequence[Record]) -> Reservation | SoukError:
    state = rows[0]["state"]
    if not state:
        return refusal(wish, _offers(wish, rows))
    return Reservation(
        order_id=wish.order_id,
        state=ReservationState(state),
        input_hash=wish.input_hash if rows[0]["input_hash"] is None else bytes(rows[0]["input_hash"]),
        # One that ended before it began has no lines.
        lines=tuple(
            PricedLine(row["product_id"], row["name"], Money(row["price"], row["currency"]), row["quantity"])
            for row in rows
            if row["position"] is not None
        ),
        expire_time=rows[0]["expire_time"],
    )


def _offers(wish: Wish, rows: Sequence[Record], left: Mapping[UUID, int] | None = None) -> list[Offer]:
    offers = [_offer(wish, at, row) for at, row in enumerate(rows)]
    if left is None:
        return offers
    return [replace(offer, free=left.get(offer.want.product_id)) for offer in offers]


def _offer(wish: Wish, at: int, row: Record) -> Offer:
    price = Money(row["price"], row["currency"]) if row["price"] is not None else None
    return Offer(wish.wants[at], row["name"] or "", price, row["free"])
