"""Reserving for many orders in one statement: prices and takes all lines of an order, or none.

The statement only accepts or rejects; `domain.rejection_of` derives the reason from the rows that it returns.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.reservations.domain import (
    LineQuote,
    PricedLine,
    Reservation,
    ReservationRequest,
    ReservationState,
    rejection_of,
)
from catalog.reservations.errors import OutOfStock
from catalog.variants.store import OPTIONS_OF_VARIANT, options_from_json
from kit.db import Database, DatabaseContention, Record, UniqueViolation, transpose
from kit.errors import SoukError
from kit.values import CURRENCIES, Money

_CURRENCIES: Final = ", ".join(
    f"('{c.code}', {c.exponent}, {c.minimum}, {c.maximum}, {c.step})" for c in CURRENCIES.values()
)

# The rules, in order (the conditions of `accepted` are those of `domain.rejection_of`):
#  1. `existing`: an order that has a reservation gets it back unchanged.
#  2. `locked`: stock rows are locked in the order of their products, before any reservation is written.
#  3. `checked`: each line with its variant's price and free stock; lines of unknown variants stay, without a price, and so do lines that
#     name a product with options. `product_id` is the variant's id, as in the tables; the product's is `parent_product_id`. `demand`
#     adds the quantities that earlier requests of the batch want of the same variant, so that together they never take more than there is.
#  4. `accepted`: every variant exists, in a quantity that one order may have, one currency, the total is within the currency's limits and
#     a multiple of its step (unless the caller judges that), the total is the expected one, and the demand for every tracked variant is
#     free.
#  5. `taken`: computes the remainder from the locked read, not from `stock.free`: PostgreSQL first evaluates the CHECK against the
#     snapshot's row and would reject stock that a concurrent release just returned. `sold_out` queues variants without free stock.
_RESERVE: Final = f"""
WITH requested AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::numeric[], $10::boolean[])
        WITH ORDINALITY AS r(order_id, input_hash, expected_total, limits_judged, turn)
), requested_lines AS MATERIALIZED (
    SELECT * FROM unnest($4::uuid[], $5::int[], $6::uuid[], $7::bigint[], $11::boolean[])
        AS l(order_id, position, product_id, quantity, by_product)
), existing AS MATERIALIZED (
    SELECT r.* FROM reservations r JOIN requested USING (order_id)
), new_lines AS MATERIALIZED (
    SELECT l.*, r.turn FROM requested_lines l JOIN requested r USING (order_id) WHERE order_id NOT IN (SELECT order_id FROM existing)
), locked AS MATERIALIZED (
    SELECT product_id, free FROM stock WHERE product_id IN (SELECT product_id FROM new_lines) ORDER BY product_id FOR UPDATE
), checked AS MATERIALIZED (
    SELECT n.order_id, n.position, n.product_id, n.quantity, p.id AS parent_product_id, p.name, p.currency, l.free,
        CASE WHEN p.id = v.product_id AND NOT (n.by_product AND p.options <> '[]') THEN v.price END AS price,
        v.sku, v.max_per_order, p.options <> '[]' AS has_options, n.by_product AND p.options <> '[]' AS variant_required,
        {{options}} AS options,
        sum(n.quantity) OVER (PARTITION BY n.product_id ORDER BY n.turn) AS demand
    FROM new_lines n
    LEFT JOIN variants v ON v.id = n.product_id AND v.delete_time IS NULL
    LEFT JOIN products p ON p.id = coalesce(v.product_id, n.product_id) AND p.delete_time IS NULL
    LEFT JOIN locked l ON l.product_id = n.product_id
), accepted AS MATERIALIZED (
    SELECT k.order_id, min(k.currency) AS currency
    FROM checked k JOIN requested r USING (order_id)
    LEFT JOIN LATERAL (
        SELECT * FROM (VALUES {_CURRENCIES}) AS all_currencies(code, exponent, minimum, maximum, step) WHERE code = k.currency LIMIT 1
    ) c ON true
    GROUP BY k.order_id, r.expected_total, r.limits_judged
    HAVING bool_and(k.price IS NOT NULL AND (k.free IS NULL OR k.demand <= k.free) AND k.quantity <= coalesce(k.max_per_order, k.quantity))
        AND count(DISTINCT k.currency) = 1
        AND (r.limits_judged OR (
            sum(k.price::numeric * k.quantity) BETWEEN min(c.minimum) AND max(c.maximum)
            AND sum(k.price::numeric * k.quantity) % min(c.step) = 0
        ))
        AND coalesce(r.expected_total * power(10::numeric, min(c.exponent)) = sum(k.price::numeric * k.quantity), true)
), held AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT order_id, 'HELD', input_hash, currency, $8, $8, $9 FROM accepted JOIN requested USING (order_id) ORDER BY order_id
), held_lines AS (
    INSERT INTO reservation_lines
        (order_id, position, product_id, name, unit_price, quantity, taken, parent_product_id, sku, options)
    SELECT order_id, position, product_id, name, price, quantity, CASE WHEN free IS NULL THEN 0 ELSE quantity END,
        parent_product_id, sku, options
    FROM checked JOIN accepted USING (order_id)
), taken AS (
    UPDATE stock s SET free = t.free
    FROM (
        SELECT product_id, (min(free) - sum(quantity))::bigint AS free FROM checked JOIN accepted USING (order_id)
        WHERE checked.free IS NOT NULL GROUP BY product_id
    ) t
    WHERE s.product_id = t.product_id
    RETURNING s.product_id, s.free
), sold_out AS (
    INSERT INTO availability_changes (product_id) SELECT product_id FROM taken WHERE free = 0
)
SELECT k.order_id, k.position, k.product_id, k.name, k.price, k.currency, k.quantity, k.free,
    CASE WHEN a.order_id IS NULL THEN '' ELSE 'HELD' END AS state, NULL::bytea AS input_hash, $9::timestamptz AS expire_time,
    k.parent_product_id, k.sku, k.options, k.has_options, k.variant_required, k.max_per_order
FROM checked k LEFT JOIN accepted a USING (order_id)
UNION ALL
SELECT e.order_id, l.position, l.product_id, l.name, l.unit_price, e.currency, l.quantity, NULL, e.state, e.input_hash, e.expire_time,
    coalesce(l.parent_product_id, l.product_id), l.sku, l.options, NULL, NULL, NULL
FROM existing e LEFT JOIN reservation_lines l USING (order_id)
ORDER BY order_id, position
"""  # noqa: S608 - only constants are interpolated
_RESERVE_ANY: Final = _RESERVE.format(options=OPTIONS_OF_VARIANT)
# Without variants that may have options, what looks them up is left out.
_RESERVE_BY_PRODUCT: Final = _RESERVE.format(options="NULL::jsonb")

# Concurrent requests may take the stock between two rounds; after this many the caller has to retry.
_MAX_ROUNDS: Final = 5

Outcome = Reservation | SoukError
Rows = Mapping[UUID, Sequence[Record]]


async def reserve(
    db: Database, requests: Sequence[ReservationRequest], now: datetime, expire_time: datetime
) -> dict[UUID, Outcome]:
    """An outcome per request, as if they had been made one after another; their order ids must differ.

    `demand` counts the quantities of earlier requests even if those are rejected. Requests that are out of stock for that reason
    alone share another statement.
    """
    outcomes: dict[UUID, Outcome] = {}
    pending = requests
    for _ in range(_MAX_ROUNDS):
        rows = await _statement(db, pending, now, expire_time)
        outcomes |= {request.order_id: _outcome(request, rows[request.order_id]) for request in pending}
        out_of_stock = [request for request in pending if isinstance(outcomes[request.order_id], OutOfStock)]
        if not out_of_stock:
            return outcomes
        pending = await _reserved_concurrently(db, out_of_stock)
        left = _left(rows)
        for request in out_of_stock:
            if request in pending:
                continue
            if _take(request, left):
                pending.append(request)
            else:
                quotes = [replace(q, free=left.get(q.variant_id)) for q in _quotes(rows[request.order_id])]
                outcomes[request.order_id] = rejection_of(request, quotes)
        if not pending:
            return outcomes
    contention = DatabaseContention("the stock changed concurrently; retry")
    return outcomes | {request.order_id: contention for request in pending}


async def _statement(
    db: Database, requests: Sequence[ReservationRequest], now: datetime, expire_time: datetime
) -> Rows:
    *heads, limits = transpose(
        ((r.order_id, r.input_hash, r.expected_total, r.limits_judged) for r in requests), 4
    )
    lines = (
        (request.order_id, position, variant_id, quantity, variant_id in request.by_product)
        for request in requests
        for position, (variant_id, quantity) in enumerate(request.quantities.items())
    )
    *columns, by_product = transpose(lines, 5)
    args = [*heads, *columns, now, expire_time, limits, by_product]
    for _ in range(_MAX_ROUNDS):
        try:
            rows = await db.fetch(_RESERVE_BY_PRODUCT if all(by_product) else _RESERVE_ANY, *args)
        except UniqueViolation:  # a concurrent statement made one of these reservations, which is now visible
            continue
        by_order: dict[UUID, list[Record]] = defaultdict(list)
        for row in rows:
            by_order[row["order_id"]].append(row)
        return by_order
    raise DatabaseContention("the reservation changed concurrently; retry")


async def _reserved_concurrently(
    db: Database, requests: Sequence[ReservationRequest]
) -> list[ReservationRequest]:
    """Requests whose order was reserved by another statement while ours waited for a lock, invisible to its snapshot."""
    sql = "SELECT order_id FROM reservations WHERE order_id = ANY($1::uuid[])"
    existing = {row["order_id"] for row in await db.fetch(sql, [request.order_id for request in requests])}
    return [request for request in requests if request.order_id in existing]


def _left(rows: Rows) -> dict[UUID, int]:
    """The free stock of each tracked variant after a statement."""
    left: dict[UUID, int] = {}
    for row in (row for order_rows in rows.values() for row in order_rows if row["free"] is not None):
        left.setdefault(row["product_id"], row["free"])
        if row["state"]:
            left[row["product_id"]] -= row["quantity"]
    return left


def _take(request: ReservationRequest, left: dict[UUID, int]) -> bool:
    """Takes all lines from what is left, or returns False if any line exceeds it."""
    tracked = {variant_id: units for variant_id, units in request.quantities.items() if variant_id in left}
    if any(units > left[variant_id] for variant_id, units in tracked.items()):
        return False
    for variant_id, units in tracked.items():
        left[variant_id] -= units
    return True


def _outcome(request: ReservationRequest, rows: Sequence[Record]) -> Outcome:
    state, stored_hash = rows[0]["state"], rows[0]["input_hash"]
    if not state:
        return rejection_of(request, _quotes(rows))
    return Reservation(
        order_id=request.order_id,
        state=ReservationState(state),
        input_hash=request.input_hash if stored_hash is None else bytes(stored_hash),
        # A reservation of an order that was cancelled first has no lines, but one row.
        lines=tuple(
            PricedLine(
                row["parent_product_id"],
                row["name"],
                Money(row["price"], row["currency"]),
                row["quantity"],
                row["product_id"],
                row["sku"] or "",
                options_from_json(row["options"]),
            )
            for row in rows
            if row["position"] is not None
        ),
        expire_time=rows[0]["expire_time"],
        created=stored_hash is None,
    )


def _quotes(rows: Sequence[Record]) -> list[LineQuote]:
    return [
        LineQuote(
            variant_id=row["product_id"],
            quantity=row["quantity"],
            unit_price=None if row["price"] is None else Money(row["price"], row["currency"]),
            free=row["free"],
            parent_id=row["parent_product_id"],
            has_options=row["has_options"] or False,
            variant_required=row["variant_required"] or False,
            max_per_order=row["max_per_order"],
        )
        for row in rows
    ]
