"""CartService on a server in this process, with real tables: responses, errors, callers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.order.v1 import cart_pb2, order_pb2
from souk.order.v1 import cart_service_pb2 as pb

from kit.auth import Principal
from kit.errors import Aborted, InvalidArgument, NotFound, ResourceExhausted, Unauthenticated, Unavailable
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import FakeTokenVerifier, customer, guest
from kit.values import CART, CART_LINE, PRODUCT, SHIPPING_METHOD, VARIANT, Money, money_to_proto
from order.cart_quotes.rpc import CartRpc
from order.checkout.rpc import CheckoutRpc
from order.checkout.tests.checking_out import check_out
from order.rpc import CartServiceRpc
from order.tests.cart_harness import CartHarness, carts

__all__ = ["carts", "database_url", "postgres"]

ADDRESS = order_pb2.Address(name=" John  Doe", line1="Bahnhofstrasse 1", city="Zürich", country_code="ch")


@dataclass
class Edge:
    """A client of CartService."""

    channel: Channel
    carts: CartHarness
    tokens: FakeTokenVerifier
    caller: Principal

    async def call(self, request: Any, caller: Principal | None = None) -> cart_pb2.Cart | None:
        """The cart of the response."""
        method = type(request).__name__.removesuffix("Request")
        with acting_as(caller or self.caller):
            response: Any = await self.channel.call(method, request, getattr(pb, f"{method}Response"))
        cart: cart_pb2.Cart | None = response.cart if response.HasField("cart") else None
        return cart

    async def add(self, *lines: tuple[str, int], key: str = "k") -> cart_pb2.Cart:
        request = pb.AddToCartRequest(request_id=key)
        for sold_id, quantity in lines:
            request.lines.add(id=sold_id, quantity=quantity)
        cart = await self.call(request)
        assert cart
        return cart


@pytest.fixture
async def edge(carts: CartHarness) -> AsyncIterator[Edge]:
    tokens = FakeTokenVerifier()
    checkout = CheckoutRpc(carts.checkout)
    servicer = CartServiceRpc(CartRpc(carts.carts, carts.reading, carts.guest_carts), checkout)
    server = Server([servicer], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", CartServiceRpc.service)
    await channel.open()
    yield Edge(channel, carts, tokens, tokens.token(carts.caller))
    await channel.close()
    await server.stop(0)


async def test_add_to_cart_creates_a_priced_cart(edge: Edge) -> None:
    mug = edge.carts.prices.sell(999)

    cart = await edge.add((PRODUCT.format(mug), 2))

    assert CART.parse(cart.id)
    [line] = cart.lines
    assert (line.variant_id, line.quantity) == (VARIANT.format(mug), 2)
    assert line.unit_price == line.seen_price == money_to_proto(Money(999, "USD"))
    assert line.total == cart.subtotal == cart.total == money_to_proto(Money(1998, "USD"))
    assert (cart.currency, cart.version, list(cart.problems), list(cart.warnings)) == ("USD", 1, [], [])


async def test_get_cart_is_the_callers_or_nothing(edge: Edge) -> None:
    mug = edge.carts.prices.sell()
    cart = await edge.add((PRODUCT.format(mug), 2))

    assert await edge.call(pb.GetCartRequest()) == cart
    assert await edge.call(pb.GetCartRequest(), edge.tokens.token(customer())) is None


async def test_get_cart_reports_what_changed(edge: Edge) -> None:
    mug, pen = edge.carts.prices.sell(999), edge.carts.prices.sell(500)
    cart = await edge.add((PRODUCT.format(mug), 3), (PRODUCT.format(pen), 1))
    edge.carts.prices.change(mug, price=Money(1099, "USD"), free=2)
    edge.carts.prices.delete(pen)

    changed = await edge.call(pb.GetCartRequest())

    assert changed
    first, second = cart.lines
    assert list(changed.warnings) == [
        cart_pb2.CartWarning(
            code=cart_pb2.CART_WARNING_CODE_PRICE_ROSE,
            line_id=first.id,
            before=money_to_proto(Money(999, "USD")),
            now=money_to_proto(Money(1099, "USD")),
        ),
        cart_pb2.CartWarning(code=cart_pb2.CART_WARNING_CODE_LESS_IN_STOCK, line_id=first.id, available=2),
        cart_pb2.CartWarning(code=cart_pb2.CART_WARNING_CODE_GONE, line_id=second.id),
    ]
    assert [(problem.code, list(problem.path)) for problem in changed.problems] == [
        (cart_pb2.CART_PROBLEM_CODE_LINE_SHORT, ["lines", "0", "quantity"]),
        (cart_pb2.CART_PROBLEM_CODE_LINE_GONE, ["lines", "1"]),
    ]
    assert changed.total == money_to_proto(Money(3297, "USD"))
    assert not changed.lines[1].HasField("unit_price")


async def test_set_cart_line_changes_and_removes(edge: Edge) -> None:
    mug = edge.carts.prices.sell()
    line = (await edge.add((PRODUCT.format(mug), 2))).lines[0]

    changed = await edge.call(pb.SetCartLineRequest(line_id=line.id, quantity=5))
    assert changed
    assert changed.lines[0].quantity == 5
    emptied = await edge.call(pb.SetCartLineRequest(line_id=line.id, quantity=0))

    assert emptied
    assert (emptied.currency, len(emptied.lines), emptied.version) == ("", 0, 3)
    assert [problem.code for problem in emptied.problems] == [cart_pb2.CART_PROBLEM_CODE_EMPTY]
    with pytest.raises(NotFound) as error:
        await edge.call(pb.SetCartLineRequest(line_id=line.id, quantity=1))
    assert error.value.reason == "CART_LINE_NOT_FOUND"


async def test_set_cart_line_without_a_cart_answers_without_one(edge: Edge) -> None:
    request = pb.SetCartLineRequest(line_id=CART_LINE.format(CART_LINE.new()), quantity=0)

    assert await edge.call(request) is None


async def test_update_cart_cleans_and_clears(edge: Edge) -> None:
    request = pb.UpdateCartRequest(shipping_address=ADDRESS, billing_address=ADDRESS, note=" Ring\ntwice ")

    cart = await edge.call(request)

    assert cart
    assert (cart.shipping_address.name, cart.shipping_address.country_code) == ("John Doe", "CH")
    assert cart.note == "Ring\ntwice"
    cleared = await edge.call(pb.UpdateCartRequest(clear_shipping_address=True, note=""))
    assert cleared
    assert (cleared.HasField("shipping_address"), cleared.HasField("billing_address")) == (False, True)
    assert cleared.note == ""


async def test_a_guest_is_reminded_of_the_contact(edge: Edge) -> None:
    cart = await edge.call(pb.UpdateCartRequest(note="Ring"), edge.tokens.token(guest()))

    assert cart
    codes = [problem.code for problem in cart.problems]
    assert codes == [cart_pb2.CART_PROBLEM_CODE_EMPTY, cart_pb2.CART_PROBLEM_CODE_CONTACT_MISSING]


async def test_merge_cart_merges_and_reports_lines_that_were_left_out(edge: Edge) -> None:
    visitor, other = edge.tokens.token(guest()), edge.tokens.token(guest())
    mug, pen = edge.carts.prices.sell(), edge.carts.prices.sell(currency="EUR")
    for caller, product, quantity in ((edge.caller, mug, 1), (visitor, mug, 3), (other, pen, 1)):
        await edge.carts.add({product: quantity}, caller)

    for _ in range(2):
        cart = await edge.call(pb.MergeCartRequest(guest_token=edge.carts.guests.token(visitor)))
        assert cart
        assert [(line.quantity, list(cart.warnings)) for line in cart.lines] == [(3, [])]
    for _ in range(2):
        cart = await edge.call(pb.MergeCartRequest(guest_token=edge.carts.guests.token(other)))
        assert cart
        assert [warning.code for warning in cart.warnings] == [cart_pb2.CART_WARNING_CODE_LINES_NOT_MERGED]

    with pytest.raises(InvalidArgument) as unknown:
        await edge.call(pb.MergeCartRequest(guest_token="other"))
    assert unknown.value.reason == "GUEST_ONLY"


async def test_lines_of_an_unpaid_order_that_do_not_fit_into_the_open_cart_are_reported(edge: Edge) -> None:
    mug, pen = edge.carts.prices.sell(), edge.carts.prices.sell(currency="EUR")
    await edge.add((PRODUCT.format(mug), 2))
    order = await check_out(edge.carts)
    await edge.add((PRODUCT.format(pen), 1), key="other")

    await edge.carts.orders.cancel(edge.carts.caller, order.id, "")

    edge.carts.prices.down = True
    cart = await edge.call(pb.GetCartRequest())
    assert cart
    assert [line.variant_id for line in cart.lines] == [VARIANT.format(pen)]
    assert [warning.code for warning in cart.warnings] == [cart_pb2.CART_WARNING_CODE_LINES_NOT_MERGED]
    # They are reported by the cart into which that one is merged, too.
    visitor = edge.tokens.token(customer())
    edge.carts.prices.down = False
    await edge.carts.add({pen: 5}, visitor)
    async with edge.carts.db.transaction() as tx:
        await edge.carts.moves.merge(tx, edge.caller.account_id, visitor.account_id)
    merged = await edge.call(pb.GetCartRequest(), visitor)
    assert merged
    assert [line.quantity for line in merged.lines] == [5]
    assert [warning.code for warning in merged.warnings] == [cart_pb2.CART_WARNING_CODE_LINES_NOT_MERGED]


async def test_a_guest_with_a_contact_lacks_none(edge: Edge) -> None:
    visitor = edge.tokens.token(guest())
    await edge.call(pb.UpdateCartRequest(has_contact=True), visitor)

    cart = await edge.call(pb.UpdateCartRequest(note="Ring"), visitor)

    assert cart
    assert [problem.code for problem in cart.problems] == [cart_pb2.CART_PROBLEM_CODE_EMPTY]


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (pb.AddToCartRequest(request_id="k"), ("lines",)),
        (pb.AddToCartRequest(lines=[{"id": "prod_1", "quantity": 1}], request_id="k"), ("lines", 0, "id")),
        (pb.AddToCartRequest(lines=[{"id": "ord_1", "quantity": 1}], request_id="k"), ("lines", 0, "id")),
        (pb.SetCartLineRequest(line_id="cart_1", quantity=1), ("id",)),
        (pb.SetCartLineRequest(line_id=CART_LINE.format(CART_LINE.new()), quantity=-1), ("quantity",)),
        (pb.SetCartLineRequest(line_id=CART_LINE.format(CART_LINE.new()), quantity=10_001), ("quantity",)),
        (pb.UpdateCartRequest(note="x" * 501), ("note",)),
        (pb.UpdateCartRequest(shipping_method_id=SHIPPING_METHOD.format(CART.new())), ("shippingMethodId",)),
        (pb.UpdateCartRequest(note="My card: 4242 4242 4242 4242"), ("note",)),
        (pb.UpdateCartRequest(shipping_address={"name": "J"}), ("shippingAddress", "line1")),
        (pb.UpdateCartRequest(billing_address={"name": "J"}), ("billingAddress", "line1")),
    ],
)
async def test_invalid_input_is_named(edge: Edge, request_: Any, path: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidArgument) as error:
        await edge.call(request_)

    assert path in [fault.path for fault in error.value.fields]
    assert await edge.carts.states() == {}


async def test_every_invalid_line_is_named_at_once(edge: Edge) -> None:
    mug = PRODUCT.format(edge.carts.prices.sell())

    with pytest.raises(InvalidArgument) as error:
        await edge.add((mug, 9999), ("prod_", 1), (mug, 2), (mug, 0), key="")

    paths = [fault.path for fault in error.value.fields]
    assert paths == [
        ("lines", 1, "id"),
        ("lines", 2, "quantity"),
        ("lines", 3, "quantity"),
        ("lines", 3, "quantity"),
        ("idempotencyKey",),
    ]


async def test_a_product_and_its_variant_are_one_line_and_a_repeated_id_adds_up(edge: Edge) -> None:
    mug = edge.carts.prices.sell()

    cart = await edge.add((PRODUCT.format(mug), 2), (VARIANT.format(mug), 3), (PRODUCT.format(mug), 4))

    assert [line.quantity for line in cart.lines] == [9]


async def test_errors_of_adding_have_reasons(edge: Edge) -> None:
    mug, pen = edge.carts.prices.sell(), edge.carts.prices.sell(currency="EUR")
    await edge.add((PRODUCT.format(mug), 2))

    with pytest.raises(Aborted) as conflict:
        await edge.add((PRODUCT.format(mug), 3))
    with pytest.raises(InvalidArgument) as currency:
        await edge.add((PRODUCT.format(pen), 3), key="other")
    with pytest.raises(NotFound) as unknown:
        await edge.add((PRODUCT.format(PRODUCT.new()), 3), key="third")
    many = [(PRODUCT.format(edge.carts.prices.sell()), 1) for _ in range(100)]
    with pytest.raises(ResourceExhausted) as full:
        await edge.add(*many, key="fourth")
    edge.carts.prices.down = True
    with pytest.raises(Unavailable):
        await edge.add((PRODUCT.format(mug), 3), key="fifth")

    reasons = [error.value.reason for error in (conflict, currency, unknown, full)]
    assert reasons == ["IDEMPOTENCY_CONFLICT", "MIXED_CURRENCY", "PRODUCT_NOT_FOUND", "TOO_MANY_CART_LINES"]
    cart = await edge.call(pb.GetCartRequest())
    assert cart
    assert [problem.code for problem in cart.problems] == [cart_pb2.CART_PROBLEM_CODE_PRICES_UNAVAILABLE]


@pytest.mark.parametrize(
    "request_", [pb.GetCartRequest(), pb.AddToCartRequest(), pb.SetCartLineRequest(), pb.UpdateCartRequest()]
)
async def test_a_cart_needs_a_caller(edge: Edge, request_: Any) -> None:
    method = type(request_).__name__.removesuffix("Request")

    with pytest.raises(Unauthenticated):
        await edge.channel.call(method, request_, getattr(pb, f"{method}Response"))
