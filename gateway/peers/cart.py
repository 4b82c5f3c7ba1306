"""Carts, which the order service keeps."""

from collections.abc import Sequence

import strawberry
from souk.order.v1 import cart_pb2 as cart
from souk.order.v1 import cart_service_pb2 as pb

from gateway.peers.address import address_message, address_of
from gateway.peers.order import order_of
from gateway.peers.tax import tax_of
from gateway.types.cart import (
    Cart,
    CartLine,
    CartProblem,
    CartProblemCode,
    CartWarning,
    CartWarningCode,
    CheckoutInput,
    ShippingQuote,
    UpdateCartInput,
)
from gateway.types.order import Order, OrderProductInput
from gateway.types.shipping import ShippingMethodKind
from kit.graphql import CurrencyCode, PathStep
from kit.graphql.conversions import (
    amount,
    amount_or_none,
    id_or_none,
    instant,
    is_set,
    or_blank,
    text_or_none,
)
from kit.identity import Identity
from kit.rpc import Peer
from kit.values import secret_token

_Response = (
    pb.GetCartResponse
    | pb.AddToCartResponse
    | pb.SetCartLineResponse
    | pb.UpdateCartResponse
    | pb.MergeCartResponse
)


class Carts(Peer):
    """The caller's cart."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["CartService"], identity)

    async def get(self) -> Cart | None:
        """GetCart."""
        return _cart_of(await self._call("GetCart", pb.GetCartRequest(), pb.GetCartResponse))

    async def add(self, lines: Sequence[OrderProductInput], key: str | None) -> Cart | None:
        """AddToCart. Without the client's idempotency key, a random one makes our own retries safe."""
        request = pb.AddToCartRequest(
            lines=[pb.AddToCartRequest.Line(id=line.id, quantity=line.quantity) for line in lines],
            request_id=secret_token() if key is None else key,
        )
        return _cart_of(await self._call("AddToCart", request, pb.AddToCartResponse))

    async def set_line(self, line_id: str, quantity: int) -> Cart | None:
        """SetCartLine."""
        request = pb.SetCartLineRequest(line_id=line_id, quantity=quantity)
        return _cart_of(await self._call("SetCartLine", request, pb.SetCartLineResponse))

    async def merge(self, guest_token: str) -> Cart | None:
        """MergeCart."""
        request = pb.MergeCartRequest(guest_token=guest_token)
        return _cart_of(await self._call("MergeCart", request, pb.MergeCartResponse))

    async def check_out(self, input: CheckoutInput) -> Order:
        """Checkout."""
        request = pb.CheckoutRequest(
            cart_id=input.cart_id,
            version=input.version,
            expected_total=input.expected_total,
            payment_method=or_blank(input.payment_method),
            confirmation="PAYMENT_CONFIRMATION_" + input.confirmation.name,
            save_method=input.save_method,
        )
        return order_of((await self._call("Checkout", request, pb.CheckoutResponse)).order)

    async def update(self, changes: UpdateCartInput) -> Cart | None:
        """UpdateCart."""
        request = pb.UpdateCartRequest()
        if is_set(changes.shipping_address):
            request.clear_shipping_address = changes.shipping_address is None
            if changes.shipping_address:
                request.shipping_address.CopyFrom(address_message(changes.shipping_address))
        if is_set(changes.billing_address):
            request.clear_billing_address = changes.billing_address is None
            if changes.billing_address:
                request.billing_address.CopyFrom(address_message(changes.billing_address))
        if is_set(changes.note):
            request.note = or_blank(changes.note)
        if is_set(changes.shipping_method_id):
            request.shipping_method_id = or_blank(changes.shipping_method_id)
        if changes.contact:
            request.has_contact = True
        return _cart_of(await self._call("UpdateCart", request, pb.UpdateCartResponse))


def _cart_of(response: _Response) -> Cart | None:
    return _cart(response.cart) if response.HasField("cart") else None


def _cart(message: cart.Cart) -> Cart:
    return Cart(
        id=strawberry.ID(message.id),
        lines=[_line(line) for line in message.lines],
        currency=CurrencyCode(message.currency) if message.currency else None,
        subtotal=amount_or_none(message, "subtotal"),
        shipping_methods=[_shipping_quote(quote) for quote in message.shipping_methods],
        shipping_method_id=id_or_none(message.shipping_method_id),
        shipping_price=amount_or_none(message, "shipping_price"),
        taxes=[tax_of(tax) for tax in message.taxes],
        tax_total=amount_or_none(message, "tax_total"),
        tax_included=message.tax_included,
        total=amount_or_none(message, "total"),
        shipping_address=address_of(message.shipping_address)
        if message.HasField("shipping_address")
        else None,
        billing_address=address_of(message.billing_address) if message.HasField("billing_address") else None,
        note=text_or_none(message.note),
        problems=[
            CartProblem(
                code=CartProblemCode[
                    cart.CartProblemCode.Name(problem.code).removeprefix("CART_PROBLEM_CODE_")
                ],
                path=[PathStep(int(step) if step.isdecimal() else step) for step in problem.path],
            )
            for problem in message.problems
        ],
        warnings=[_warning(warning) for warning in message.warnings],
        version=message.version,
        updated_at=instant(message.update_time),
    )


def _line(message: cart.CartLine) -> CartLine:
    return CartLine(
        id=strawberry.ID(message.id),
        variant_id=strawberry.ID(message.variant_id),
        quantity=message.quantity,
        unit_price=amount_or_none(message, "unit_price"),
        seen_price=amount(message.seen_price),
        total=amount_or_none(message, "total"),
    )


def _shipping_quote(message: cart.CartShippingQuote) -> ShippingQuote:
    return ShippingQuote(
        method_id=strawberry.ID(message.method_id),
        name=message.name,
        kind=ShippingMethodKind.PICKUP if message.pickup else ShippingMethodKind.DELIVERY,
        min_days=message.min_days if message.HasField("min_days") else None,
        max_days=message.max_days if message.HasField("max_days") else None,
        price=amount_or_none(message, "price"),
        reason=text_or_none(message.reason),
    )


def _warning(message: cart.CartWarning) -> CartWarning:
    return CartWarning(
        code=CartWarningCode[cart.CartWarningCode.Name(message.code).removeprefix("CART_WARNING_CODE_")],
        line_id=id_or_none(message.line_id),
        before=amount_or_none(message, "before"),
        now=amount_or_none(message, "now"),
        available=message.available if message.HasField("available") else None,
    )
