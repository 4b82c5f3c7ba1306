"""The statement that writes new orders; `arguments` has its parameters.

Orders that cost their goods and nothing else are written without the columns and tables of amounts: such a batch has the shorter statement.
A batch with an order of a cart has the part that takes the cart, one with an order of a guest that with the limits of guests.
"""

from functools import cache

_Columns = dict[str, str]
_HEAD: _Columns = {
    "id": "uuid",
    "account_id": "uuid",
    "caller_id": "uuid",
    "request_id": "text",
    "input_hash": "bytea",
    "currency": "text",
    "total": "bigint",
    "shipping_address": "jsonb",
    "deadline": "timestamptz",
    "create_time": "timestamptz",
    "number": "bigint",
}
_AMOUNTS: _Columns = {
    "subtotal": "bigint",
    "discount": "bigint",
    "tax": "bigint",
    "tax_included": "boolean",
    "shipping": "jsonb",
    "shipping_total": "bigint",
    "shipping_required": "boolean",
    "billing_address": "jsonb",
}
# Only carts have notes.
_CART: _Columns = {"cart_id": "uuid", "note": "text"}
_CART_VERSION: _Columns = {"cart_version": "int"}
_GUEST: _Columns = {"guest_network": "text"}
_REVISION: _Columns = {"revision": "bigint"}
_EVENT: _Columns = {
    "event_id": "uuid",
    "event_key": "text",
    "event_type": "text",
    "event_time": "timestamptz",
    "event_headers": "jsonb",
    "event_payload": "bytea",
}
_LINE: _Columns = {
    "order_id": "uuid",
    "position": "int",
    "product_id": "uuid",
    "name": "text",
    "unit_price": "bigint",
    "quantity": "int",
    "parent_product_id": "uuid",
    "sku": "text",
    "options": "jsonb",
}
_LINE_AMOUNTS: _Columns = {"discount": "bigint", "tax": "bigint", "total": "bigint"}
_TAX: _Columns = {
    "order_id": "uuid",
    "position": "int",
    "number": "int",
    "name": "text",
    "country": "text",
    "region": "text",
    "ppm": "int",
    "taxable": "bigint",
    "amount": "bigint",
    "reason": "text",
}
_DISCOUNT: _Columns = {
    "order_id": "uuid",
    "position": "int",
    "number": "int",
    "promotion_id": "uuid",
    "code": "text",
    "name": "text",
    "amount": "bigint",
}
# The rules, in the order in which they are checked: the order is priced by the current rules, its cart is as the buyer saw it, and the
# account has few unpaid orders and few failed payments. An unpaid order that its buyer cancelled (its second version) counts as a failed
# payment: its page may have tried cards, and only the tenth decline fails the payment. Limits count committed orders plus earlier ones in
# this batch, so concurrent replicas may exceed them by a few: they are soft limits. Carts are locked in order of their ids.
# An order that comes back neither accepted nor rejected violated a unique constraint (id, or caller_id and request_id).
_PLACE = """
WITH requested AS MATERIALIZED (
    SELECT * FROM {requested}
){locked_carts}, checked AS MATERIALIZED (
    SELECT id, CASE
        WHEN r.revision <> (SELECT revision FROM pricing_state) THEN 'RULES_CHANGED'
        {cart_changed}
        WHEN (SELECT count(*) FROM orders o WHERE o.account_id = r.account_id AND o.status = 'PENDING')
            + row_number() OVER (PARTITION BY r.account_id) - 1 >= {pending}
            THEN 'TOO_MANY_PENDING'{guest_limits}
        WHEN (SELECT count(*) FROM orders o WHERE o.account_id = r.account_id AND o.update_time > r.create_time - interval '1 hour'
              AND (o.cancel_reason = 'PAYMENT_FAILED' OR (o.cancel_reason = 'CUSTOMER' AND o.version = 2))) >= {failed}
            THEN 'TOO_MANY_FAILED'
        END AS rejection
    FROM requested r
), accepted AS (
    INSERT INTO orders ({columns}, refunded, status, status_reason, version, update_time)
    SELECT {columns}, 0, 'PENDING', '', 1, create_time
    FROM requested JOIN checked USING (id) WHERE rejection IS NULL ORDER BY caller_id, request_id
    ON CONFLICT DO NOTHING
    RETURNING id, create_time
), lines AS (
    INSERT INTO order_lines ({line_columns})
    SELECT {line_columns} FROM {lines} WHERE order_id IN (SELECT id FROM accepted)
), history AS (
    INSERT INTO order_status_changes (order_id, position, status, time, note, internal_note)
    SELECT id, 0, 'PENDING', create_time, '', '' FROM accepted
), outbox_rows AS (
    INSERT INTO outbox (topic, event_id, key, type, time, headers, payload)
    SELECT {topic}::text, event_id, event_key, event_type, event_time, event_headers, event_payload
    FROM requested JOIN accepted USING (id)
){amounts}{ordered_carts}
SELECT id, 'WRITTEN' AS outcome FROM accepted
UNION ALL SELECT id, rejection FROM checked WHERE rejection IS NOT NULL
"""
_TAXES_AND_DISCOUNTS = """, taxes AS (
    INSERT INTO order_taxes ({tax_columns}) SELECT {tax_columns} FROM {taxes} WHERE order_id IN (SELECT id FROM accepted)
), discounts AS (
    INSERT INTO order_discounts ({discount_columns})
    SELECT {discount_columns} FROM {discounts} WHERE order_id IN (SELECT id FROM accepted)
)"""
_LOCKED_CARTS = """, open_carts AS MATERIALIZED (
    SELECT id, version FROM carts WHERE id IN (SELECT cart_id FROM requested) AND state = 'OPEN' ORDER BY id FOR UPDATE
)"""
_CART_CHANGED = """
        WHEN r.cart_id IS NOT NULL AND NOT EXISTS (SELECT FROM open_carts c WHERE c.id = r.cart_id AND c.version = r.cart_version)
            THEN 'CART_CHANGED'
        WHEN r.cart_id IS NOT NULL AND row_number() OVER (PARTITION BY r.cart_id, r.cart_version, r.revision) > 1
            THEN 'CART_CHANGED'"""
_GUEST_LIMITS = """
        WHEN r.guest_network IS NOT NULL AND (
            (SELECT count(*) FROM orders o WHERE o.account_id = r.account_id AND o.status = 'PENDING')
                + row_number() OVER (PARTITION BY r.account_id) - 1 >= {guest_pending}
            OR (SELECT count(*) FROM orders o WHERE o.guest_network = r.guest_network AND o.status = 'PENDING')
                + row_number() OVER (PARTITION BY r.guest_network) - 1 >= {network_pending}
        ) THEN 'TOO_MANY_PENDING'
        WHEN r.guest_network IS NOT NULL AND (SELECT count(*) FROM failed_guest_payments f WHERE f.guest_network = r.guest_network
            AND f.fail_time > r.create_time - interval '1 hour') >= {network_failed}
            THEN 'TOO_MANY_FAILED'"""
_ORDERED_CARTS = """, ordered_carts AS (
    UPDATE carts SET state = 'ORDERED', order_id = r.id, version = carts.version + 1, update_time = r.create_time,
        expire_time = date_trunc('day', r.create_time) + interval '31 days'
    FROM requested r JOIN accepted USING (id) WHERE carts.id = r.cart_id
)"""


class _Parameters:
    """Numbers the parameters of a statement."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"${self._count}"

    def unnest(self, alias: str, columns: _Columns) -> str:
        arrays = ", ".join(f"{self.next()}::{kind}[]" for kind in columns.values())
        return f"unnest({arrays}) AS {alias}({', '.join(columns)})"


@cache
def place_statement(*, amounts: bool, carts: bool, guests: bool = False) -> str:
    """The statement for a batch; `arguments` gives its parameters."""
    parameters = _Parameters()
    stored = _HEAD | (_AMOUNTS if amounts else {}) | (_GUEST if guests else {}) | (_CART if carts else {})
    requested = stored | (_CART_VERSION if carts else {}) | _REVISION | _EVENT
    line = _LINE | (_LINE_AMOUNTS if amounts else {})
    parts = {
        "requested": parameters.unnest("r", requested),
        "columns": ", ".join(stored),
        "lines": parameters.unnest("l", line),
        "line_columns": ", ".join(line),
        "topic": parameters.next(),
        "pending": parameters.next(),
        "failed": parameters.next(),
        "amounts": "",
        "locked_carts": _LOCKED_CARTS if carts else "",
        "cart_changed": _CART_CHANGED if carts else "",
        "ordered_carts": _ORDERED_CARTS if carts else "",
        "guest_limits": "",
    }
    if guests:
        parts["guest_limits"] = _GUEST_LIMITS.format(
            guest_pending=parameters.next(),
            network_pending=parameters.next(),
            network_failed=parameters.next(),
        )
    if amounts:
        parts["amounts"] = _TAXES_AND_DISCOUNTS.format(
            taxes=parameters.unnest("t", _TAX),
            tax_columns=", ".join(_TAX),
            discounts=parameters.unnest("d", _DISCOUNT),
            discount_columns=", ".join(_DISCOUNT),
        )
    return _PLACE.format(**parts)
