"""The gRPC edge: request -> call -> response."""

from uuid import UUID

from souk.notification.v1 import notification_service_pb2 as pb

from kit.rpc import Call
from kit.values import ACCOUNT, ORDER, Page, encode_position, first_page_size, requested_page
from notification.notifications.domain import Notification
from notification.notifications.messages import notification_to_proto
from notification.notifications.ports import NotificationFilter
from notification.notifications.use_cases import Notifications


class NotificationRpc:
    """souk.notification.v1.NotificationService."""

    service = pb.DESCRIPTOR.services_by_name["NotificationService"]

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    async def list_notifications(
        self, request: pb.ListNotificationsRequest, call: Call
    ) -> pb.ListNotificationsResponse:
        """A page of one account's history, or of all accounts' for an ADMIN."""
        order_id = _order_id(request)
        account_id = call.resolve_account_scope(request.account_id, all_accounts=request.all_accounts)
        filter = NotificationFilter(account_id, order_id)
        after, size = requested_page(request, repr(filter))
        page = await self._notifications.list(filter, after, size, count=request.count_total)
        return _page(page, filter)

    async def batch_list_account_notifications(
        self, request: pb.BatchListAccountNotificationsRequest, call: Call
    ) -> pb.BatchListAccountNotificationsResponse:
        """The first page of several accounts' histories."""
        caller, ids = call.require_principal(), ACCOUNT.parse_unique(request.account_ids, "account_ids")
        order_id, size = _order_id(request.list), first_page_size(request.list)
        pages = await self._notifications.list_by_account(
            caller, NotificationFilter(None, order_id), ids, size, count=request.list.count_total
        )
        return pb.BatchListAccountNotificationsResponse(
            pages=[
                _page(page, NotificationFilter(account_id, order_id))
                for account_id, page in zip(ids, pages, strict=True)
            ]
        )

    async def batch_list_notifications(
        self, request: pb.BatchListNotificationsRequest, call: Call
    ) -> pb.BatchListNotificationsResponse:
        """The newest notifications of several orders."""
        caller, order_ids = call.require_principal(), ORDER.parse_all(request.order_ids, "order_ids")
        notifications = await self._notifications.find_by_orders(caller, order_ids)
        return pb.BatchListNotificationsResponse(notifications=map(notification_to_proto, notifications))


def _order_id(request: pb.ListNotificationsRequest) -> UUID | None:
    return ORDER.parse(request.order_id, "orderId") if request.order_id else None


def _page(page: Page[Notification], filter: NotificationFilter) -> pb.ListNotificationsResponse:
    entries = [
        pb.ListNotificationsResponse.Entry(
            notification=notification_to_proto(notification),
            cursor=encode_position(repr(filter), notification.create_time, notification.id),
        )
        for notification in page.items
    ]
    return pb.ListNotificationsResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)
