"""Rows of an order -> its lines and amounts. Rows of earlier releases have no subtotal and no line totals."""

from typing import Any
from uuid import UUID

import orjson

from kit.db import Record
from kit.values import Money
from order.lines.domain import Amounts, Line, LineAmounts, OptionValue, Shipping, Tax, sum_by_rate

LINE_COLUMNS = """
    ARRAY(
        SELECT (product_id, name, unit_price, quantity, parent_product_id, sku, options, discount, tax, total)
        FROM order_lines WHERE order_id = o.id ORDER BY position
    ) AS lines,
    ARRAY(
        SELECT (name, ppm, country, region, reason, taxable, amount) FROM order_taxes WHERE order_id = o.id ORDER BY position, number
    ) AS taxes
"""


def lines_from_row(row: Record) -> tuple[Line, ...]:
    """The lines of an order that was selected with LINE_COLUMNS."""
    currency = row["currency"]
    return tuple(
        Line(
            product_id or sold_id,
            name,
            Money(price, currency),
            quantity,
            _line_amounts(currency, *amounts),
            sold_id if product_id else None,
            sku or "",
            tuple(OptionValue(*option) for option in orjson.loads(options)) if options else (),
        )
        for sold_id, name, price, quantity, product_id, sku, options, *amounts in row["lines"]
    )


def amounts_from_row(row: Record) -> Amounts:
    """The amounts of an order that was selected with LINE_COLUMNS."""
    currency = row["currency"]
    if row["subtotal"] is None:
        return Amounts.plain(Money(row["total"], currency))
    taxes = [
        Tax(name, ppm, country, region, reason, Money(taxable, currency), Money(amount, currency))
        for name, ppm, country, region, reason, taxable, amount in row["taxes"]
    ]
    return Amounts(
        subtotal=Money(row["subtotal"], currency),
        discount=Money(row["discount"], currency),
        taxes=tuple(sum_by_rate(taxes)),
        tax=Money(row["tax"], currency),
        tax_included=row["tax_included"],
        shipping=_shipping(orjson.loads(row["shipping"]), currency) if row["shipping"] else None,
    )


def options_to_json(line: Line) -> str | None:
    """[["Size", "M"]]; None without options."""
    options = [(option.name, option.value) for option in line.options]
    return orjson.dumps(options).decode() if options else None


def shipping_to_json(shipping: Shipping | None) -> str | None:
    """For the column `shipping`."""
    if shipping is None:
        return None
    fields = {
        # The driver's own UUID, of a cart's row, is none that orjson knows.
        "method_id": str(shipping.method_id),
        "name": shipping.name,
        "price": shipping.price.minor,
        "discount": shipping.amounts.discount.minor,
        "tax": shipping.amounts.tax.minor,
        "total": shipping.amounts.total.minor,
    }
    return orjson.dumps(fields).decode()


def _line_amounts(currency: str, discount: int, tax: int, total: int | None) -> LineAmounts | None:
    if total is None:
        return None
    return LineAmounts(Money(discount, currency), Money(tax, currency), Money(total, currency))


def _shipping(fields: dict[str, Any], currency: str) -> Shipping:
    def money(name: str) -> Money:
        return Money(fields[name], currency)

    amounts = LineAmounts(money("discount"), money("tax"), money("total"))
    return Shipping(UUID(fields["method_id"]), fields["name"], money("price"), amounts)
