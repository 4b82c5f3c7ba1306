"""The gRPC edge: request -> call -> response."""

from datetime import datetime
from uuid import UUID

from souk.notification.v1 import notification_service_pb2 as pb

from kit.errors import InvalidArgument, PermissionDenied, Violation
from kit.rpc import Call
from kit.values import ACCOUNT, ORDER, Input, decode_cursor, encode_cursor
from notification.domain import Notification
from notification.messages import notification_to_proto
from notification.ports import NotificationFilter
from notification.use_cases import Notifications, Page

_PAGE = 20
_LARGEST_PAGE = 100


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
        which = NotificationFilter(_whose(request, call), order_id)
        size = _size(request)
        after = _position(request.page_token, which) if request.page_token else None
        return _page(await self._notifications.list(which, after, size, count=request.count_total), which)

    async def batch_list_account_notifications(
        self, request: pb.BatchListAccountNotificationsRequest, call: Call
    ) -> pb.BatchListAccountNotificationsResponse:
        """BatchListAccountNotifications."""
        caller, ids, wanted = call.account(), _accounts(request), request.list
        order_id = ORDER.parse(wanted.order_id, "orderId") if wanted.order_id else None
        which, size = NotificationFilter(None, order_id), _size(wanted)
        if wanted.page_token:
            raise _foreign_cursor()
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
        caller = call.account()
        if len(request.order_ids) > _LARGEST_PAGE:
            rule = f"must name at most {_LARGEST_PAGE}"
            raise InvalidArgument(f"order_ids: {rule}", fields=[Violation(("order_ids",), rule)])
        ids = [ORDER.parse(text, "order_ids", at) for at, text in enumerate(request.order_ids)]
        found = await self._notifications.of_orders(caller, ids)
        return pb.BatchListNotificationsResponse(notifications=map(notification_to_proto, found))


def _whose(request: pb.ListNotificationsRequest, call: Call) -> UUID | None:
    """The account whose notifications are listed; None: everybody's."""
    caller = call.account()
    if not request.account_id:
        return None if request.all_accounts and call.admin() else caller.account_id
    account_id = ACCOUNT.parse(request.account_id, "accountId")
    if not caller.may_act_for(account_id):
        raise PermissionDenied("accountId: not your own", reason="NOT_YOUR_ACCOUNT")
    return account_id


def _accounts(request: pb.BatchListAccountNotificationsRequest) -> list[UUID]:
    given = Input()
    count = len(set(request.account_ids))
    fine = 1 <= count <= _LARGEST_PAGE and count == len(request.account_ids)
    given.require(fine, f"must be 1-{_LARGEST_PAGE}, each once", "account_ids")
    given.done()
    return [ACCOUNT.parse(text, "account_ids", at) for at, text in enumerate(request.account_ids)]


def _size(request: pb.ListNotificationsRequest) -> int:
    given = Input()
    size = given.integer(request.page_size or _PAGE, "first", least=1, most=_LARGEST_PAGE)
    given.done()
    return size


def _page(page: Page, which: NotificationFilter) -> pb.ListNotificationsResponse:
    entries = [
        pb.ListNotificationsResponse.Entry(
            notification=notification_to_proto(notification), cursor=_cursor(notification, which)
        )
        for notification in page.notifications
    ]
    return pb.ListNotificationsResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)


def _cursor(notification: Notification, which: NotificationFilter) -> str:
    return encode_cursor(repr(which), [notification.create_time.isoformat(), str(notification.id)])


def _position(cursor: str, which: NotificationFilter) -> tuple[datetime, UUID]:
    match decode_cursor(cursor, repr(which), "after"):
        case [str(create_time), str(notification_id)]:
            try:
                return datetime.fromisoformat(create_time), UUID(notification_id)
            except ValueError:
                pass  # made up by hand, with the right fingerprint; falls to the same answer as any other forgery
    raise _foreign_cursor()


def _foreign_cursor() -> InvalidArgument:
    rule = "must be a cursor of the same list"
    return InvalidArgument(f"after: {rule}", fields=[Violation(("after",), rule)], reason="INVALID_CURSOR")
