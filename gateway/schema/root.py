"""The roots: every query and mutation. Root fields are nullable, so that a failing service nulls its own field only."""

from typing import Annotated

import strawberry

from gateway.context import Info, selects
from gateway.schema.account_root import AccountMutations, AccountQueries
from gateway.schema.catalog import (
    Category,
    CreateProductInput,
    Product,
    ProductConnection,
    ProductFilter,
    ProductSort,
    SearchExtras,
    UpdateProductInput,
)
from gateway.schema.notification import NotificationConnection
from gateway.schema.order import CreateOrderInput, Order, OrderConnection, OrderFilter, OrderStatus
from gateway.schema.paging import After, First
from gateway.schema.payment import Payment
from gateway.schema.scalars import Amount
from kit.errors import NotFound

ProductId = Annotated[strawberry.ID, strawberry.argument(description="Begins with prod_.")]
OrderId = Annotated[strawberry.ID, strawberry.argument(description="Begins with ord_.")]
PaymentId = Annotated[strawberry.ID, strawberry.argument(description="Begins with pay_.")]
OneAccount = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only this account's; null means everybody's.")
]
OneOrder = Annotated[strawberry.ID | None, strawberry.argument(description="Only those about this order.")]

StockReason = Annotated[str | None, strawberry.argument(description="Why, for the audit; 0-500 characters.")]
IdempotencyKey = Annotated[
    str,
    strawberry.argument(
        description="1-255 characters, the caller's own. The same key with the same input changes nothing twice; with other "
        "input it is IDEMPOTENCY_CONFLICT."
    ),
]


@strawberry.type(description="What can be read.")
class Query(AccountQueries):
    """What can be read. A query by id answers null for what is absent, or not the caller's."""

    @strawberry.field(description="Public.")
    async def product(self, info: Info, id: ProductId) -> Product | None:
        """A product."""
        try:
            return await info.context.peers.catalog.get(id)
        except NotFound:
            return None

    @strawberry.field(
        description="Public. Full-text search with typo tolerance, filters and facets; RELEVANCE without a query is NEWEST."
    )
    async def products(
        self,
        info: Info,
        query: Annotated[
            str | None, strawberry.argument(description="What to look for, 0-200 characters.")
        ] = None,
        filter: Annotated[ProductFilter | None, strawberry.argument(description="Which of them.")] = None,
        sort: Annotated[
            ProductSort | None, strawberry.argument(description="Their order.")
        ] = ProductSort.RELEVANCE,
        first: First = 20,
        after: After = None,
    ) -> ProductConnection | None:
        """Search."""
        extras = SearchExtras(
            selects(info, "totalCount"), selects(info, "facets"), selects(info, "edges", "highlight")
        )
        return await info.context.peers.catalog.search(query, filter, sort, first, after, extras)

    @strawberry.field(description="Public. Completions for a search box.")
    async def product_suggestions(
        self,
        info: Info,
        prefix: Annotated[str, strawberry.argument(description="What was typed so far, 0-200 characters.")],
        first: First = 10,
    ) -> list[str] | None:
        """What somebody who types may mean."""
        return await info.context.peers.catalog.suggest(prefix, first)

    @strawberry.field(description="Public.")
    async def categories(self, info: Info) -> list[Category] | None:
        """Every category, by name."""
        return await info.context.peers.catalog.categories()

    @strawberry.field(description="Owner or ADMIN.")
    async def order(self, info: Info, id: OrderId) -> Order | None:
        """An order."""
        try:
            return await info.context.peers.order.get(id)
        except NotFound:
            return None

    @strawberry.field(description="ADMIN. Customers read me { orders }.")
    async def orders(
        self,
        info: Info,
        account_id: OneAccount = None,
        filter: Annotated[OrderFilter | None, strawberry.argument(description="Which of them.")] = None,
        first: First = 20,
        after: After = None,
    ) -> OrderConnection | None:
        """Orders of all accounts, or of one."""
        count = selects(info, "totalCount")
        return await info.context.peers.order.list(account_id, filter, first, after, count)

    @strawberry.field(description="Owner or ADMIN.")
    async def payment(self, info: Info, id: PaymentId) -> Payment | None:
        """A payment."""
        try:
            return await info.context.peers.payment.get(id)
        except NotFound:
            return None

    @strawberry.field(description="ADMIN. Customers read me { notifications }.")
    async def notifications(
        self,
        info: Info,
        account_id: OneAccount = None,
        order_id: OneOrder = None,
        first: First = 20,
        after: After = None,
    ) -> NotificationConnection | None:
        """Notifications of all accounts, or of one."""
        count = selects(info, "totalCount")
        return await info.context.peers.notification.list(account_id, order_id, first, after, count)


@strawberry.type(description="What can be changed. Mutations of one document run in order.")
class Mutation(AccountMutations):
    """What can be changed."""

    @strawberry.mutation(description="ADMIN.")
    async def create_product(
        self,
        info: Info,
        input: Annotated[CreateProductInput, strawberry.argument(description="The product.")],
    ) -> Product | None:
        """Makes a product."""
        return await info.context.peers.catalog.create(input)

    @strawberry.mutation(
        description="ADMIN. An absent field stays; null clears what is optional; lists are replaced whole. A stale "
        "expectedVersion is VERSION_CONFLICT."
    )
    async def update_product(
        self,
        info: Info,
        id: ProductId,
        input: Annotated[UpdateProductInput, strawberry.argument(description="What changes.")],
        expected_version: Annotated[
            int | None, strawberry.argument(description="The version that the caller read.")
        ] = None,
    ) -> Product | None:
        """Changes a product."""
        info.context.forget()
        return await info.context.peers.catalog.update(id, input, expected_version)

    @strawberry.mutation(description="ADMIN. Answers the product as it was; orders keep their lines.")
    async def delete_product(self, info: Info, id: ProductId) -> Product | None:
        """Deletes a product."""
        info.context.forget()
        return await info.context.peers.catalog.delete(id)

    @strawberry.mutation(
        description="ADMIN. Adds delta (may be negative) to the free stock; never below zero. An untracked product is "
        "FAILED_PRECONDITION (reason NOT_TRACKED)."
    )
    async def adjust_stock(
        self,
        info: Info,
        product_id: ProductId,
        delta: Annotated[int, strawberry.argument(description="How many come in; negative: go out.")],
        idempotency_key: IdempotencyKey,
        reason: StockReason = None,
    ) -> Product | None:
        """Changes free stock by so much."""
        info.context.forget()
        return await info.context.peers.catalog.adjust_stock(product_id, delta, reason, idempotency_key)

    @strawberry.mutation(
        description="ADMIN. Sets the free stock, or null to stop tracking; expected must match when given."
    )
    async def set_stock(
        self,
        info: Info,
        product_id: ProductId,
        stock: Annotated[
            int | None,
            strawberry.argument(description="0-1,000,000,000; null: not tracked, always available."),
        ] = None,
        expected: Annotated[
            int | None, strawberry.argument(description="The free stock that the caller read.")
        ] = None,
        reason: StockReason = None,
    ) -> Product | None:
        """Makes free stock so much."""
        info.context.forget()
        return await info.context.peers.catalog.set_stock(product_id, stock, expected, reason)

    @strawberry.mutation(
        description="Prices the lines, reserves their stock and answers PENDING; the payment follows within seconds."
    )
    async def create_order(
        self, info: Info, input: Annotated[CreateOrderInput, strawberry.argument(description="The order.")]
    ) -> Order | None:
        """Places an order."""
        info.context.forget()
        return await info.context.peers.order.place(input)

    @strawberry.mutation(
        description="Owner or ADMIN, while PENDING or CONFIRMED. Stock returns at once; captured money follows as a refund."
    )
    async def cancel_order(
        self,
        info: Info,
        id: OrderId,
        reason: Annotated[
            str | None, strawberry.argument(description="Shown to the customer, 0-500 characters.")
        ] = None,
    ) -> Order | None:
        """Cancels an order."""
        info.context.forget()
        return await info.context.peers.order.cancel(id, reason)

    @strawberry.mutation(
        description="ADMIN. SHIPPED or DELIVERED; any other value is BAD_USER_INPUT. Already there: the order, unchanged."
    )
    async def update_order_status(
        self,
        info: Info,
        id: OrderId,
        status: Annotated[OrderStatus, strawberry.argument(description="SHIPPED or DELIVERED.")],
        note: Annotated[
            str | None, strawberry.argument(description="Shown to the customer, 0-500 characters.")
        ] = None,
        internal_note: Annotated[
            str | None, strawberry.argument(description="Shown to ADMIN only, 0-500 characters.")
        ] = None,
    ) -> Order | None:
        """Moves an order on."""
        info.context.forget()
        return await info.context.peers.order.update_status(id, status, note, internal_note)

    @strawberry.mutation(description="ADMIN. Whole when amount is left out: what is left of the capture.")
    async def refund_payment(
        self,
        info: Info,
        payment_id: PaymentId,
        idempotency_key: IdempotencyKey,
        amount: Annotated[
            Amount | None, strawberry.argument(description="In the payment's currency, above zero.")
        ] = None,
        reason: Annotated[str | None, strawberry.argument(description="0-500 characters.")] = None,
    ) -> Payment | None:
        """Gives captured money back."""
        info.context.forget()
        return await info.context.peers.payment.refund(payment_id, amount, reason, idempotency_key)
