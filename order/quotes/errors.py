"""Errors of what an order costs.

SoukError
|- InvalidArgument
|  |- RegionUnknown            rules are about regions, and the address has none of them
|  |- AddressRequired          goods have to be shipped, and there is no shipping address
|  '- TotalOutOfRange          the payment provider does not charge this total
|- FailedPrecondition
|  |- ShippingMethodRequired   goods have to be shipped
|  |- NotDeliveredThere        no method, or not this one, for the address and the goods
|  '- PriceChanged             the total is not the one that the buyer saw
'- Aborted
   '- RulesChanged             several times while the order was placed
"""

from kit.errors import Aborted, FailedPrecondition, InvalidArgument


class RegionUnknown(InvalidArgument):
    """Taxes or deliveries differ by region in this country, and the address has a region that no rule is about."""

    reason = "REGION_UNKNOWN"


class AddressRequired(InvalidArgument):
    """The shipping method delivers, or the goods have to be shipped, and there is no shipping address."""

    reason = "ADDRESS_REQUIRED"


class TotalOutOfRange(InvalidArgument):
    """The payment provider does not charge the total: too small, too large, or not a multiple of the currency's step."""

    reason = "TOTAL_OUT_OF_RANGE"


class ShippingMethodRequired(FailedPrecondition):
    """The goods have to be shipped, and no method was chosen; `details.shipping_methods` are the ids of those that are offered."""

    reason = "SHIPPING_METHOD_REQUIRED"
    default_message = "choose a shipping method"


class NotDeliveredThere(FailedPrecondition):
    """No method, or not the chosen one, is offered for the address and the goods; `details.not_offered` says why not the chosen one."""

    reason = "NOT_DELIVERED_THERE"
    default_message = "the goods are not delivered there"


class PriceChanged(FailedPrecondition):
    """The total differs from the expected total; `details` has the current prices and what the total is made of."""

    reason = "PRICE_CHANGED"
    default_message = "the total has changed"


class RulesChanged(Aborted):
    """Prices or the rules of prices changed several times while the order was placed; nothing is reserved."""

    reason = "RULES_CHANGED"
    default_message = "prices are being changed, try again"
