"""The lines and amounts of an order -> the contract's messages."""

from souk.order.v1 import order_pb2 as pb

from kit.values import PRODUCT, SHIPPING_METHOD, VARIANT, Money, money_to_proto
from order.lines.domain import Amounts, Line, Shipping, Tax


def line_to_proto(line: Line) -> pb.OrderLine:
    """A line as charged."""
    if line.amounts:
        discount, tax = money_to_proto(line.amounts.discount), money_to_proto(line.amounts.tax)
    else:
        discount = tax = money_to_proto(Money.zero(line.unit_price.currency))
    return pb.OrderLine(
        product_id=PRODUCT.format(line.product_id),
        name=line.name,
        unit_price=money_to_proto(line.unit_price),
        quantity=line.quantity,
        variant_id=VARIANT.format(line.sold_id),
        sku=line.sku,
        options=[pb.OptionValue(name=option.name, value=option.value) for option in line.options],
        discount=discount,
        tax=tax,
        total=money_to_proto(line.total),
    )


def set_amounts(message: pb.Order, amounts: Amounts) -> None:
    """Sets the fields of an order that its total is made of."""
    message.subtotal.CopyFrom(money_to_proto(amounts.subtotal))
    message.taxes.extend(tax_to_proto(tax) for tax in amounts.taxes)
    message.tax_total.CopyFrom(money_to_proto(amounts.tax))
    message.tax_included = amounts.tax_included
    if amounts.shipping:
        message.shipping.CopyFrom(_shipping(amounts.shipping))


def tax_to_proto(tax: Tax) -> pb.OrderTax:
    """A tax as charged."""
    return pb.OrderTax(
        name=tax.name,
        ppm=tax.ppm,
        taxable=money_to_proto(tax.taxable),
        amount=money_to_proto(tax.amount),
        country_code=tax.country_code,
        region=tax.region,
        reason=tax.reason,
    )


def _shipping(shipping: Shipping) -> pb.OrderShipping:
    return pb.OrderShipping(
        method_id=SHIPPING_METHOD.format(shipping.method_id),
        name=shipping.name,
        price=money_to_proto(shipping.price),
        discount=money_to_proto(shipping.amounts.discount),
        tax=money_to_proto(shipping.amounts.tax),
        total=money_to_proto(shipping.amounts.total),
    )
