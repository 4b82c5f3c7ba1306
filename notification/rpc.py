"""The gRPC edge: request -> call -> response."""

from souk.notification.v1 import notification_service_pb2 as pb

from kit.rpc import Call
from kit.values import ACCOUNT, ORDER, FieldReader, Page, decode_position, encode_position, invalid_cursor
from notification.domain import Notification
from notification.messages import notification_to_proto
from notification.ports import NotificationFilter
from notification.use_cases import Notifications


class NotificationRpc:
    """souk.notification.v1.NotificationService."""

    service = pb.DESCRIPTOR.services_by_name["NotificationService"]

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    async def list_notifications(
        self, request: pb.ListNotificationsRequest, call: Call
    ) -> pb.ListNotificationsResponse:
        """ListNotifications."""
        order_id = ORDER.parse(request.order_id, "orderId") if request.order_id else None
        account_id = call.resolve_account_scope(request.account_id, all_accounts=request.all_accounts)
        which, size = NotificationFilter(account_id, order_id), _size(request.page_size)
        after = decode_position(request.page_token, repr(which), "after")
        return _page(await self._notifications.list(which, after, size, count=request.count_total), which)

    async def batch_list_account_notifications(
        self, request: pb.BatchListAccountNotificationsRequest, call: Call
    ) -> pb.BatchListAccountNotificationsResponse:
        """BatchListAccountNotifications."""
        caller, ids, wanted = (
            call.require_principal(),
            ACCOUNT.parse_unique(request.account_ids, "account_ids"),
            request.list,
        )
        order_id = ORDER.parse(wanted.order_id, "orderId") if wanted.order_id else None
        which, size = NotificationFilter(None, order_id), _size(wanted.page_size)
        if wanted.page_token:
            raise invalid_cursor("after")
        pages = await self._notifications.list_each(caller, which, ids, size, count=wanted.count_total)
        return pb.BatchListAccountNotificationsResponse(
            pages=[
                _page(page, NotificationFilter(account_id, order_id))
                for account_id, page in zip(ids, pages, strict=True)
            ]
        )

    async def batch_list_notifications(
        self, request: pb.BatchListNotificationsRequest, call: Call
    ) -> pb.BatchListNotificationsResponse:
        """BatchListNotifications."""
        caller = call.require_principal()
        found = await self._notifications.of_orders(caller, ORDER.parse_all(request.order_ids, "order_ids"))
        return pb.BatchListNotificationsResponse(notifications=map(notification_to_proto, found))


def _size(asked: int) -> int:
    given = FieldReader()
    size = given.page_size(asked, "first")
    given.raise_if_invalid()
    return size


def _page(page: Page[Notification], which: NotificationFilter) -> pb.ListNotificationsResponse:
    entries = [
        pb.ListNotificationsResponse.Entry(
            notification=notification_to_proto(notification),
            cursor=encode_position(repr(which), notification.create_time, notification.id),
        )
        for notification in page.items
    ]
    return pb.ListNotificationsResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)
