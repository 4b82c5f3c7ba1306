"""Protobuf messages <-> the domain: recipients from account's events, and the history for the API."""

from souk.account.v1 import account_pb2
from souk.notification.v1 import notification_pb2 as pb

from kit.values import ACCOUNT, NOTIFICATION, ORDER, timestamp_from_proto, timestamp_to_proto
from notification.notifications.domain import CHANNEL, Notification
from notification.recipients.domain import OrderLink, Recipient


def recipient_from_proto(account: account_pb2.Account, link: OrderLink | None = None) -> Recipient:
    """The account's name and address as of this event; `link` is the new one to a guest's orders."""
    return Recipient(
        ACCOUNT.parse(account.id, "account", "id"),
        account.name,
        account.email,
        timestamp_from_proto(account.update_time),
        account.email_verified,
        is_guest=account.guest,
        order_link=link,
    )


def notification_to_proto(notification: Notification) -> pb.Notification:
    """The notification as the API returns it."""
    return pb.Notification(
        id=NOTIFICATION.format(notification.id),
        account_id=ACCOUNT.format(notification.account_id),
        order_id=ORDER.format(notification.order_id) if notification.order_id else "",
        template=notification.template,
        channel=CHANNEL,
        recipient=notification.recipient,
        subject=notification.subject,
        status="NOTIFICATION_STATUS_" + notification.status,
        attempts=notification.attempts,
        create_time=timestamp_to_proto(notification.create_time),
        send_time=timestamp_to_proto(notification.send_time) if notification.send_time else None,
        failure=f"NOTIFICATION_FAILURE_{notification.failure}" if notification.failure else None,
    )
