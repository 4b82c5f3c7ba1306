"""Queries of notifications."""

import strawberry

from gateway.context import Info
from gateway.resolvers.arguments import AboutOrder, AccountFilter
from gateway.types.notification import NotificationConnection
from kit.graphql import After, First, page_request


@strawberry.type
class NotificationQueries:
    """Notifications."""

    @strawberry.field(description="ADMIN. Customers use me { notifications }.")
    async def notifications(
        self,
        info: Info,
        account_id: AccountFilter = None,
        order_id: AboutOrder = None,
        first: First = 20,
        after: After = None,
    ) -> NotificationConnection | None:
        """Notifications of all accounts, or of one."""
        return await info.context.peers.notification.list(
            account_id, order_id, page_request(info, first, after)
        )
