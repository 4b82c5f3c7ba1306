"""Queries and mutations of orders, and what belongs to an order."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.arguments import AccountFilter, OrderId
from gateway.types.account import Account
from gateway.types.catalog import Product
from gateway.types.notification import Notification
from gateway.types.order import CreateOrderInput, Order, OrderConnection, OrderFilter, OrderLine, OrderStatus
from gateway.types.payment import Payment
from kit.graphql import After, First, or_none, page_request, relation

CustomerText = Annotated[str | None, argument("Shown to the customer, 0-500 characters.")]


@relation(OrderLine, description="The product as it is now; null if it was deleted.")
async def product(self: OrderLine, info: Info) -> Product | None:
    """Loaded for all lines of a request together."""
    context = info.context
    return await context.load("products", self.product_id, context.peers.catalog.batch_get)


@relation(Order, description="The account that placed the order; null if it was deleted.")
async def account(self: Order, info: Info) -> Account | None:
    """Loaded for all orders of a request together."""
    context = info.context
    return await context.load("accounts", self.account_id, context.peers.account.batch_get)


@relation(Order, description="The current payment; null until it is created.")
async def payment(self: Order, info: Info) -> Payment | None:
    """Loaded for all orders of a request together."""
    context = info.context
    return await context.load("payments", self.id, context.peers.payment.batch_get)


@relation(Order, description="Notifications sent about the order, newest first, at most 20.")
async def notifications(self: Order, info: Info) -> list[Notification] | None:
    """Loaded for all orders of a request together."""
    context = info.context
    loaded = await context.load("notifications", self.id, context.peers.notification.batch_list)
    return list(loaded or ())


@strawberry.type
class OrderQueries:
    """Orders."""

    @strawberry.field(description="Owner or ADMIN.")
    async def order(self, info: Info, id: OrderId) -> Order | None:
        """One order."""
        return await or_none(info.context.peers.order.get(id))

    @strawberry.field(description="ADMIN. Customers use me { orders }.")
    async def orders(
        self,
        info: Info,
        account_id: AccountFilter = None,
        filter: Annotated[OrderFilter | None, argument("Only orders that match.")] = None,
        first: First = 20,
        after: After = None,
    ) -> OrderConnection | None:
        """Orders of all accounts, or of one."""
        return await info.context.peers.order.list(account_id, filter, page_request(info, first, after))


@strawberry.type
class OrderMutations:
    """Changes of orders."""

    @strawberry.mutation(
        description="Computes the total, reserves the stock and returns the PENDING order; the payment follows within seconds."
    )
    async def create_order(
        self, info: Info, input: Annotated[CreateOrderInput, argument("The order.")]
    ) -> Order | None:
        """PlaceOrder."""
        return await info.context.peers.order.place(input)

    @strawberry.mutation(
        description="Owner or ADMIN, while PENDING or CONFIRMED. Releases the stock at once; a captured payment is refunded later."
    )
    async def cancel_order(self, info: Info, id: OrderId, reason: CustomerText = None) -> Order | None:
        """CancelOrder."""
        return await info.context.peers.order.cancel(id, reason)

    @strawberry.mutation(
        description="ADMIN. Sets SHIPPED or DELIVERED; any other value fails with BAD_USER_INPUT. Setting the current status changes "
        "nothing."
    )
    async def update_order_status(
        self,
        info: Info,
        id: OrderId,
        status: Annotated[OrderStatus, argument("SHIPPED or DELIVERED.")],
        note: CustomerText = None,
        internal_note: Annotated[str | None, argument("Shown to ADMIN only, 0-500 characters.")] = None,
    ) -> Order | None:
        """UpdateOrderStatus."""
        return await info.context.peers.order.update_status(id, status, note, internal_note)
