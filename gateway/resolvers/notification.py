"""Queries of notifications."""

import strawberry

from gateway.context import Info, selects
from gateway.resolvers.arguments import AboutOrder, AccountFilter, After, First
from gateway.types.notification import NotificationConnection


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
        count = selects(info, "totalCount")
        return await info.context.peers.notification.list(account_id, order_id, first, after, count)
