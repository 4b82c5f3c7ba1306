"""The service of carts as its contract says, in this process."""

from typing import Any

from souk.order.v1 import cart_pb2, order_pb2
from souk.order.v1 import cart_service_pb2 as carts

from gateway.tests.fakes.order import one_order
from gateway.tests.fakes.recorder import NOW, Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import ACCOUNT, CART, CART_LINE, ORDER, SHIPPING_METHOD, VARIANT, Money, money_to_proto


def one_cart() -> cart_pb2.Cart:
    """A cart of two lines, of which one is gone."""
    return cart_pb2.Cart(
        id=CART.format(CART.new()),
        lines=[
            cart_pb2.CartLine(
                id=CART_LINE.format(CART_LINE.new()),
                variant_id=VARIANT.format(VARIANT.new()),
                quantity=2,
                unit_price=money_to_proto(Money(999, "USD")),
                seen_price=money_to_proto(Money(899, "USD")),
                total=money_to_proto(Money(1998, "USD")),
            ),
            cart_pb2.CartLine(
                id=CART_LINE.format(CART_LINE.new()),
                variant_id=VARIANT.format(VARIANT.new()),
                quantity=1,
                seen_price=money_to_proto(Money(500, "USD")),
            ),
        ],
        currency="USD",
        subtotal=money_to_proto(Money(1998, "USD")),
        total=money_to_proto(Money(1998, "USD")),
        problems=[
            cart_pb2.CartProblem(code=cart_pb2.CART_PROBLEM_CODE_LINE_GONE, path=["lines", "1"]),
        ],
        warnings=[
            cart_pb2.CartWarning(
                code=cart_pb2.CART_WARNING_CODE_PRICE_ROSE,
                line_id="cli_1",
                before=money_to_proto(Money(899, "USD")),
                now=money_to_proto(Money(999, "USD")),
            ),
            cart_pb2.CartWarning(code=cart_pb2.CART_WARNING_CODE_LESS_IN_STOCK, line_id="cli_1", available=1),
        ],
        shipping_methods=[
            cart_pb2.CartShippingQuote(
                method_id=SHIPPING_METHOD.format(SHIPPING_METHOD.new()),
                name="Post",
                min_days=1,
                price=money_to_proto(Money(500, "USD")),
            ),
            cart_pb2.CartShippingQuote(
                method_id=SHIPPING_METHOD.format(SHIPPING_METHOD.new()),
                name="Shop",
                pickup=True,
                reason="TOO_HEAVY",
            ),
        ],
        shipping_price=money_to_proto(Money(500, "USD")),
        tax_total=money_to_proto(Money(148, "USD")),
        taxes=[
            order_pb2.OrderTax(
                name="VAT",
                ppm=81_000,
                taxable=money_to_proto(Money(1998, "USD")),
                amount=money_to_proto(Money(148, "USD")),
                country_code="CH",
            )
        ],
        version=3,
        update_time=NOW,
    )


class CartRpc(UnimplementedServicer):
    service = carts.DESCRIPTOR.services_by_name["CartService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        # What GetCart answers; a test changes it.
        self.cart = one_cart()

    async def get_cart(self, request: Any, call: Call) -> carts.GetCartResponse:
        self._record("GetCart", request, call)
        return carts.GetCartResponse(cart=self.cart)

    async def add_to_cart(self, request: Any, call: Call) -> carts.AddToCartResponse:
        self._record("AddToCart", request, call)
        return carts.AddToCartResponse(cart=self.cart)

    async def set_cart_line(self, request: Any, call: Call) -> carts.SetCartLineResponse:
        self._record("SetCartLine", request, call)
        return carts.SetCartLineResponse()

    async def update_cart(self, request: Any, call: Call) -> carts.UpdateCartResponse:
        self._record("UpdateCart", request, call)
        return carts.UpdateCartResponse(cart=self.cart)

    async def merge_cart(self, request: Any, call: Call) -> carts.MergeCartResponse:
        self._record("MergeCart", request, call)
        return carts.MergeCartResponse(cart=self.cart)

    async def checkout(self, request: Any, call: Call) -> carts.CheckoutResponse:
        self._record("Checkout", request, call)
        account_id = ACCOUNT.format(call.require_principal().account_id)
        order = one_order(ORDER.format(ORDER.new()), account_id)
        order.note = "Ring twice"
        return carts.CheckoutResponse(order=order)
