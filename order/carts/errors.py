"""Errors of carts.

SoukError
|- InvalidArgument
|  |- VariantRequired   the product has options, so one of its variants must be named
|  '- UnknownShippingMethod  the shop has no shipping method with this id
|- NotFound
|  |- LineNotFound      not in the caller's cart
|  '- ProductNotFound   unknown or deleted
'- ResourceExhausted
   '- TooManyLines      more lines than a cart may have

A line in another currency than the cart's is kit.values.MixedCurrency.
"""

from kit.errors import InvalidArgument, NotFound, ResourceExhausted, Violation


class VariantRequired(InvalidArgument):
    """A product with options is sold by its variants only; the field is the line's id."""

    reason = "VARIANT_REQUIRED"


class UnknownShippingMethod(InvalidArgument):
    """The shop has no shipping method with this id."""

    reason = "UNKNOWN_SHIPPING_METHOD"

    def __init__(self) -> None:
        rule = "must be the id of a shipping method that exists"
        super().__init__(f"shippingMethodId: {rule}", fields=[Violation(("shippingMethodId",), rule)])


class LineNotFound(NotFound):
    """The line is not in the caller's cart."""

    reason = "CART_LINE_NOT_FOUND"
    default_message = "the line is not in the cart"


class ProductNotFound(NotFound):
    """A product or variant is unknown or deleted; the fields are the lines' ids."""

    reason = "PRODUCT_NOT_FOUND"
    default_message = "product not found"


class TooManyLines(ResourceExhausted):
    """A cart has at most 100 lines."""

    reason = "TOO_MANY_CART_LINES"
    default_message = "a cart may have at most 100 lines"
