"""A fake of the notification service, as its contract says."""

from typing import Any

from souk.notification.v1 import notification_pb2
from souk.notification.v1 import notification_service_pb2 as notification

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer


class NotificationRpc(UnimplementedServicer):
    service = notification.DESCRIPTOR.services_by_name["NotificationService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def list_notifications(self, request: Any, call: Call) -> notification.ListNotificationsResponse:
        self._record("ListNotifications", request, call)
        return self._page(request)

    async def batch_list_account_notifications(
        self, request: Any, call: Call
    ) -> notification.BatchListAccountNotificationsResponse:
        self._record("BatchListAccountNotifications", request, call)
        pages = [self._page(request.list) for _ in request.account_ids]
        return notification.BatchListAccountNotificationsResponse(pages=pages)

    def _page(self, request: Any) -> notification.ListNotificationsResponse:
        one = self._one(request.order_id)
        if request.order_id:
            # What is asked about an order was given up, so that there is such a one.
            one.status = notification_pb2.NOTIFICATION_STATUS_FAILED
            one.failure = notification_pb2.NOTIFICATION_FAILURE_NOT_TAKEN
            one.ClearField("send_time")
        entry = notification.ListNotificationsResponse.Entry(notification=one, cursor="c")
        return notification.ListNotificationsResponse(entries=[entry] * (request.page_size or 20))

    async def batch_list_notifications(
        self, request: Any, call: Call
    ) -> notification.BatchListNotificationsResponse:
        self._record("BatchListNotifications", request, call)
        return notification.BatchListNotificationsResponse(notifications=map(self._one, request.order_ids))

    def _one(self, order_id: str) -> notification_pb2.Notification:
        return notification_pb2.Notification(
            id="ntf_1",
            order_id=order_id,
            template="order_confirmed",
            channel="email",
            recipient="john@example.com",
            subject="Your order is confirmed",
            status=notification_pb2.NOTIFICATION_STATUS_SENT,
            attempts=1,
            create_time=NOW,
            send_time=NOW,
        )
