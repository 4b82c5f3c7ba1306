"""The gRPC methods of carts. Every response has the cart as it is now."""

from souk.order.v1 import cart_pb2
from souk.order.v1 import cart_service_pb2 as pb

from kit.auth import Principal
from kit.rpc import Call
from order.cart_moves.use_cases import GuestCarts
from order.cart_quotes.messages import (
    addition_from_proto,
    cart_to_proto,
    change_from_proto,
    quantity_from_proto,
)
from order.cart_quotes.use_cases import CartReading
from order.carts.use_cases import Carts


class CartRpc:
    """GetCart, AddToCart, SetCartLine, UpdateCart and MergeCart."""

    def __init__(self, carts: Carts, reading: CartReading, guests: GuestCarts) -> None:
        self._carts = carts
        self._reading = reading
        self._guests = guests

    async def get_cart(self, request: pb.GetCartRequest, call: Call) -> pb.GetCartResponse:
        """The caller's."""
        return pb.GetCartResponse(cart=await self._cart(call.require_principal()))

    async def add_to_cart(self, request: pb.AddToCartRequest, call: Call) -> pb.AddToCartResponse:
        """Creates the cart if there is none."""
        caller = call.require_principal()
        await self._carts.add(caller, addition_from_proto(request))
        return pb.AddToCartResponse(cart=await self._cart(caller))

    async def set_cart_line(self, request: pb.SetCartLineRequest, call: Call) -> pb.SetCartLineResponse:
        """A quantity of 0 removes the line."""
        caller = call.require_principal()
        await self._carts.set_quantity(caller, *quantity_from_proto(request))
        return pb.SetCartLineResponse(cart=await self._cart(caller))

    async def update_cart(self, request: pb.UpdateCartRequest, call: Call) -> pb.UpdateCartResponse:
        """Creates the cart if there is none."""
        caller = call.require_principal()
        change = change_from_proto(request)
        if change.shipping_method_id is not None:
            await self._reading.require_method(change.shipping_method_id)
        await self._carts.change(caller, change)
        return pb.UpdateCartResponse(cart=await self._cart(caller))

    async def merge_cart(self, request: pb.MergeCartRequest, call: Call) -> pb.MergeCartResponse:
        """Merges the guest of a token into the caller's account."""
        caller = call.require_principal()
        await self._guests.merge(caller, request.guest_token)
        return pb.MergeCartResponse(cart=await self._cart(caller))

    async def _cart(self, caller: Principal) -> cart_pb2.Cart | None:
        quoted = await self._reading.get(caller)
        return cart_to_proto(quoted) if quoted else None
