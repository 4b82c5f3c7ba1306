"""The caller's cart."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.types.cart import Cart, CartLine, CheckoutInput, UpdateCartInput
from gateway.types.order import Order, OrderProductInput
from gateway.types.variants import Variant
from kit.graphql import relation


@relation(CartLine, description="What is wanted, as it is now; null if it is not sold any more.")
async def variant(self: CartLine, info: Info) -> Variant | None:
    """Loaded for all lines of a request together."""
    context = info.context
    return await context.load("variants", self.variant_id, context.peers.variant.batch_get)


@strawberry.type
class CartQueries:
    """Carts."""

    @strawberry.field(description="The caller's open cart; null when nothing was added yet.")
    async def cart(self, info: Info) -> Cart | None:
        """GetCart."""
        return await info.context.peers.cart.get()


@strawberry.type
class CartMutations:
    """Changes of the caller's cart. Each returns it as it is now."""

    @strawberry.mutation(
        description="Adds units, to those that the cart has already; creates the cart if there is none. The first product sets its "
        "currency. Nothing is reserved before checkout."
    )
    async def add_to_cart(
        self,
        info: Info,
        lines: Annotated[
            list[OrderProductInput],
            argument("1-100 products or variants; quantities of a repeated one are added up."),
        ],
        idempotency_key: Annotated[
            str | None,
            argument(
                "Chosen by the client, 1-255 characters, and valid for 24 hours: repeating it with the same lines adds nothing."
            ),
        ] = None,
    ) -> Cart | None:
        """AddToCart."""
        return await info.context.peers.cart.add(lines, idempotency_key)

    @strawberry.mutation(
        description="Sets how much of a line is wanted; works while the catalogue is unavailable."
    )
    async def set_cart_line(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument("Starts with cli_.")],
        quantity: Annotated[int, argument("0-10,000; 0 removes the line.")],
    ) -> Cart | None:
        """SetCartLine."""
        return await info.context.peers.cart.set_line(id, quantity)

    @strawberry.mutation(
        description="Sets addresses, shipping method, note, and how to reach a guest; creates the cart if there is none."
    )
    async def update_cart(
        self, info: Info, input: Annotated[UpdateCartInput, argument("The changes.")]
    ) -> Cart | None:
        """SetGuestContact, if there is a contact, then UpdateCart."""
        peers, contact = info.context.peers, input.contact
        if contact:
            await peers.guest.set_contact(contact.name, contact.email, contact.phone)
        return await peers.cart.update(input)

    @strawberry.mutation(
        description="After a login: merges a guest, with its cart and orders, into the signed-in account. Of a product in both carts the "
        "larger quantity counts; the account's own addresses win. Repeating it changes nothing. Not for guests."
    )
    async def merge_cart(
        self, info: Info, guest_token: Annotated[str, argument("The guest's access token.")]
    ) -> Cart | None:
        """MergeCart."""
        return await info.context.peers.cart.merge(guest_token)

    @strawberry.mutation(
        description="Orders the cart as it was shown: reserves the stock and returns the PENDING order; the payment follows within "
        "seconds. Repeating it for the same cart and version returns the same order. If it is not paid, the cart is open again, at a new "
        "version. Fails with FAILED_PRECONDITION (reason CART_CHANGED, CART_EMPTY, or CART_INCOMPLETE with the cart's problems), "
        "PRICE_CHANGED or OUT_OF_STOCK; nothing is reserved then."
    )
    async def checkout(
        self, info: Info, input: Annotated[CheckoutInput, argument("The cart.")]
    ) -> Order | None:
        """Checkout."""
        return await info.context.peers.cart.check_out(input)
