"""Shipping zones, methods and their prices, and what a storefront has to know of the shop."""

from enum import Enum

import strawberry

from kit.graphql import Amount, Connection, CountryCode, CurrencyCode, Edge


@strawberry.enum(description="How products come to the buyer.")
class ShippingMethodKind(Enum):
    """How products come to the buyer."""

    DELIVERY = strawberry.enum_value(
        "DELIVERY", description="They are sent to the shipping address, which is required."
    )
    PICKUP = strawberry.enum_value("PICKUP", description="The buyer fetches them.")


@strawberry.enum(description="What a shipping rate depends on.")
class ShippingMeasure(Enum):
    """What a shipping rate depends on."""

    SUBTOTAL = strawberry.enum_value("SUBTOTAL", description="What the products cost.")
    WEIGHT = strawberry.enum_value("WEIGHT", description="The weight of the products that are sent.")


@strawberry.enum(description="Which subtotal a shipping rate is about.")
class ShippingBasis(Enum):
    """Which subtotal a shipping rate is about."""

    AFTER_DISCOUNTS = strawberry.enum_value(
        "AFTER_DISCOUNTS", description="What the buyer pays for the products."
    )
    BEFORE_DISCOUNTS = strawberry.enum_value(
        "BEFORE_DISCOUNTS", description="What the products cost without discounts."
    )


@strawberry.type(
    description="The price of a shipping method in one currency, for a range of subtotals or weights."
)
class ShippingRate:
    """The price of a shipping method for a range."""

    currency: CurrencyCode = strawberry.field(description="The currency of the orders that it is for.")
    price: Amount = strawberry.field(description="0: free.")
    measure: ShippingMeasure = strawberry.field(description="What the range is about.")
    basis: ShippingBasis = strawberry.field(description="Which subtotal, if it is about one.")
    subtotal_from: Amount | None = strawberry.field(description="Inclusive; null for WEIGHT.")
    subtotal_to: Amount | None = strawberry.field(
        description="Exclusive; null: no upper end, and for WEIGHT."
    )
    grams_from: int | None = strawberry.field(description="Inclusive; null for SUBTOTAL.")
    grams_to: int | None = strawberry.field(description="Exclusive; null: no upper end, and for SUBTOTAL.")


@strawberry.type(description="A way to send an order.")
class ShippingMethod:
    """A way to send an order."""

    id: strawberry.ID = strawberry.field(description="Starts with method_.")
    name: str = strawberry.field(description="The name to be shown.")
    kind: ShippingMethodKind = strawberry.field(description="How products come to the buyer.")
    tax_class: str = strawberry.field(
        description="The class of its tax rates; PROPORTIONAL: taxed as the products are, in their proportion."
    )
    min_days: int | None = strawberry.field(description="Days until the products arrive, at the earliest.")
    max_days: int | None = strawberry.field(description="Days until the products arrive, at the latest.")
    rates: list[ShippingRate] = strawberry.field(
        description="Its prices; an order that none of them is for cannot be sent by it."
    )


@strawberry.type(description="A country or a part of it.")
class ShippingPlace:
    """A country or a part of it."""

    country_code: CountryCode = strawberry.field(description="The country.")
    region: str | None = strawberry.field(description="Only this region; null: the whole country.")
    postal_prefix: str | None = strawberry.field(
        description="Only postal codes that start so; null: all of them."
    )


@strawberry.type(
    description="Places with the same shipping methods. An address belongs to the zone of the most specific place that it is in, alone."
)
class ShippingZone:
    """Places with the same shipping methods."""

    id: strawberry.ID = strawberry.field(description="Starts with zone_.")
    name: str = strawberry.field(description="For operators.")
    places: list[ShippingPlace] = strawberry.field(description="No other zone has them.")
    methods: list[ShippingMethod] = strawberry.field(description="In the order to be shown.")
    version: int = strawberry.field(description="Increases with every change.")


@strawberry.type(description="A shipping zone on a page.")
class ShippingZoneEdge(Edge[ShippingZone]):
    """A shipping zone on a page."""


@strawberry.type(description="A page of shipping zones.")
class ShippingZoneConnection(Connection[ShippingZoneEdge, ShippingZone]):
    """A page of shipping zones."""


@strawberry.type(
    description="How an order is sent, with the method's name and price when the order was placed."
)
class OrderShipping:
    """How an order is sent."""

    method_id: strawberry.ID = strawberry.field(description="Starts with method_; it may be deleted since.")
    name: str = strawberry.field(description="The method's name.")
    price: Amount = strawberry.field(description="The method's price.")
    tax: Amount = strawberry.field(description="Within total, or added to it; see Order.taxIncluded.")
    total: Amount = strawberry.field(description="What is charged for it.")


@strawberry.type(description="What a storefront has to know of the shop.")
class Shop:
    """What a storefront has to know of the shop."""

    prices_include_tax: bool = strawberry.field(
        description="Whether prices contain tax, in countries without a treatment of their own."
    )
    delivery_countries: list[CountryCode] = strawberry.field(
        description="Countries with shipping methods, sorted; empty: orders go everywhere and need no method."
    )
    currencies: list[CurrencyCode] = strawberry.field(description="What prices may be in, sorted.")
    publishable_key: str | None = strawberry.field(
        description="The payment provider's key for pages; null where pages do not confirm payments."
    )


@strawberry.input(
    description="The price of a shipping method in one currency, for a range of subtotals or weights."
)
class ShippingRateInput:
    """The price of a shipping method for a range."""

    currency: CurrencyCode = strawberry.field(description="The currency of the orders that it is for.")
    price: Amount = strawberry.field(description="0 or more.")
    measure: ShippingMeasure = strawberry.field(
        default=ShippingMeasure.SUBTOTAL,
        description="What the range is about; the same for all rates of a method in one currency.",
    )
    basis: ShippingBasis = strawberry.field(
        default=ShippingBasis.AFTER_DISCOUNTS, description="Which subtotal, if it is about one."
    )
    subtotal_from: Amount | None = strawberry.field(default=None, description="Inclusive; null: 0.")
    subtotal_to: Amount | None = strawberry.field(default=None, description="Exclusive; null: no upper end.")
    grams_from: int | None = strawberry.field(default=None, description="Inclusive; null: 0.")
    grams_to: int | None = strawberry.field(default=None, description="Exclusive; null: no upper end.")


@strawberry.input(description="A way to send an order.")
class ShippingMethodInput:
    """A way to send an order."""

    id: strawberry.ID | None = strawberry.field(
        default=None, description="That of a method which the zone has; null: a new method."
    )
    name: str = strawberry.field(description="1-100 characters.")
    kind: ShippingMethodKind = strawberry.field(
        default=ShippingMethodKind.DELIVERY, description="How products come to the buyer."
    )
    tax_class: str | None = strawberry.field(
        default=None,
        description="The class of its tax rates, null: standard; PROPORTIONAL: taxed as the products are, in their proportion.",
    )
    min_days: int | None = strawberry.field(default=None, description="0-365.")
    max_days: int | None = strawberry.field(default=None, description="0-365.")
    rates: list[ShippingRateInput] = strawberry.field(
        description="1-50; those in one currency must not overlap."
    )


@strawberry.input(description="A country or a part of it.")
class ShippingPlaceInput:
    """A country or a part of it."""

    country_code: CountryCode = strawberry.field(description="The country.")
    region: str | None = strawberry.field(
        default=None, description="Only this region; null: the whole country."
    )
    postal_prefix: str | None = strawberry.field(
        default=None, description="Only postal codes that start so, up to 10 characters; null: all of them."
    )


@strawberry.input(description="A shipping zone with everything about it.")
class ShippingZoneInput:
    """A shipping zone with everything about it."""

    id: strawberry.ID | None = strawberry.field(default=None, description="Null: a new zone.")
    name: str = strawberry.field(description="For operators, 1-100 characters.")
    places: list[ShippingPlaceInput] = strawberry.field(description="At most 1,000.")
    methods: list[ShippingMethodInput] = strawberry.field(
        description="At most 20, in the order to be shown; those that are left out are deleted."
    )
