"""Notifications: what was sent to whom."""

from enum import Enum

import strawberry

from gateway.schema.paging import TOTAL_COUNT, PageInfo
from gateway.schema.scalars import Instant


@strawberry.enum(description="Where a notification stands.")
class NotificationStatus(Enum):
    """Where a notification stands."""

    QUEUED = strawberry.enum_value("QUEUED", description="Waits for its first or next attempt.")
    SENT = strawberry.enum_value("SENT", description="Handed over.")
    FAILED = strawberry.enum_value("FAILED", description="Given up.")


@strawberry.enum(description="Why a notification was given up.")
class NotificationFailure(Enum):
    """Why a notification was given up."""

    REFUSED = strawberry.enum_value(
        "REFUSED", description="The mail server will never take it: no such mailbox, or its content."
    )
    EXPIRED = strawberry.enum_value(
        "EXPIRED", description="The link in it had expired before it could be sent."
    )
    ACCOUNT_DELETED = strawberry.enum_value(
        "ACCOUNT_DELETED", description="The account was deleted before it could be sent."
    )
    NOT_TAKEN = strawberry.enum_value(
        "NOT_TAKEN", description="The mail server did not take it for three days."
    )
    NOT_RENDERED = strawberry.enum_value(
        "NOT_RENDERED", description="Its template did not fit what it should tell, for three days."
    )
    NO_RECIPIENT = strawberry.enum_value(
        "NO_RECIPIENT", description="The account that it was for never became known."
    )


@strawberry.type(description="One message to one person.")
class Notification:
    """One message to one person."""

    id: strawberry.ID = strawberry.field(description="Begins with ntf_.")
    template: str = strawberry.field(description="The template's name, e.g. order_confirmed.")
    channel: str = strawberry.field(description="How it goes: email.")
    recipient: str = strawberry.field(description="The address it goes to.")
    subject: str = strawberry.field(description="The subject line.")
    status: NotificationStatus = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was tried.")
    order_id: strawberry.ID | None = strawberry.field(description="The order it is about, if any.")
    created_at: Instant = strawberry.field(description="When its reason came in.")
    sent_at: Instant | None = strawberry.field(description="When it was handed over.")
    failure: NotificationFailure | None = strawberry.field(
        description="Why it was given up; null unless it is FAILED."
    )


@strawberry.type(description="A notification of a page.")
class NotificationEdge:
    """A notification of a page."""

    cursor: str = strawberry.field(description="Goes on after this notification when given as after.")
    node: Notification = strawberry.field(description="The notification.")


@strawberry.type(description="A page of notifications, newest first.")
class NotificationConnection:
    """A page of notifications."""

    edges: list[NotificationEdge] = strawberry.field(description="The notifications with their cursors.")
    nodes: list[Notification] = strawberry.field(description="The notifications.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(description=TOTAL_COUNT)
