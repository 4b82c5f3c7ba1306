"""The notification service."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import strawberry
from souk.notification.v1 import notification_pb2 as notification
from souk.notification.v1 import notification_service_pb2 as pb

from gateway.types.notification import (
    Notification,
    NotificationConnection,
    NotificationEdge,
    NotificationFailure,
    NotificationStatus,
)
from kit.graphql import PageRequest
from kit.graphql.conversions import id_or_none, instant, instant_or_none, or_blank
from kit.graphql.paging import connection
from kit.identity import Identity
from kit.rpc import Peer

_STATUS = "NOTIFICATION_STATUS_"
_FAILURE = "NOTIFICATION_FAILURE_"


class Notifications(Peer):
    """Notifications sent to accounts."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["NotificationService"], identity)

    async def list(
        self, account_id: str | None, order_id: str | None, page: PageRequest
    ) -> NotificationConnection:
        """ListNotifications; None lists those of all accounts."""
        request = _list_request(order_id, page)
        request.account_id, request.all_accounts = or_blank(account_id), account_id is None
        request.page_token = page.token
        return _page(await self._call("ListNotifications", request, pb.ListNotificationsResponse), page.token)

    async def list_by_account(
        self, order_id: str | None, page: PageRequest, account_ids: Sequence[str]
    ) -> Mapping[str, NotificationConnection]:
        """The first page of each account: BatchListAccountNotifications, or ListNotifications for one account."""
        if len(account_ids) == 1:
            return {account_ids[0]: await self.list(account_ids[0], order_id, page)}
        shared = _list_request(order_id, page)
        request = pb.BatchListAccountNotificationsRequest(account_ids=account_ids, list=shared)
        response = await self._call(
            "BatchListAccountNotifications", request, pb.BatchListAccountNotificationsResponse
        )
        pages = (_page(page, "") for page in response.pages)
        return dict(zip(account_ids, pages, strict=True))

    async def batch_list(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[Notification]]:
        """BatchListNotifications, by order."""
        request = pb.BatchListNotificationsRequest(order_ids=order_ids)
        response = await self._call("BatchListNotifications", request, pb.BatchListNotificationsResponse)
        by_order: dict[str, list[Notification]] = defaultdict(list)
        for message in response.notifications:
            by_order[message.order_id].append(_notification(message))
        return by_order


def _list_request(order_id: str | None, page: PageRequest) -> pb.ListNotificationsRequest:
    return pb.ListNotificationsRequest(
        order_id=or_blank(order_id), page_size=page.size, count_total=page.count
    )


def _page(response: pb.ListNotificationsResponse, token: str) -> NotificationConnection:
    edges = [
        NotificationEdge(cursor=entry.cursor, node=_notification(entry.notification))
        for entry in response.entries
    ]
    return connection(NotificationConnection, edges, response, token)


def _notification(message: notification.Notification) -> Notification:
    failure = notification.NotificationFailure.Name(message.failure).removeprefix(_FAILURE)
    return Notification(
        id=strawberry.ID(message.id),
        template=message.template,
        channel=message.channel,
        recipient=message.recipient,
        subject=message.subject,
        status=NotificationStatus[notification.NotificationStatus.Name(message.status).removeprefix(_STATUS)],
        attempts=message.attempts,
        order_id=id_or_none(message.order_id),
        created_at=instant(message.create_time),
        sent_at=instant_or_none(message, "send_time"),
        failure=None if failure == "UNSPECIFIED" else NotificationFailure[failure],
    )
