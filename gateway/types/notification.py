"""Notifications sent to accounts."""

from enum import Enum

import strawberry

from kit.graphql import Connection, Edge, Instant


@strawberry.enum(description="The state of a notification.")
class NotificationStatus(Enum):
    """The state of a notification."""

    QUEUED = strawberry.enum_value("QUEUED", description="Waiting for the first or next attempt.")
    SENT = strawberry.enum_value("SENT", description="Accepted by the mail server.")
    FAILED = strawberry.enum_value("FAILED", description="Not sent, and not retried.")


@strawberry.enum(description="Why a notification failed.")
class NotificationFailure(Enum):
    """Why a notification failed."""

    REFUSED = strawberry.enum_value(
        "REFUSED", description="The mail server rejected it permanently: no such mailbox, or its content."
    )
    EXPIRED = strawberry.enum_value("EXPIRED", description="The link in it expired before it could be sent.")
    ACCOUNT_DELETED = strawberry.enum_value(
        "ACCOUNT_DELETED", description="The account was deleted before it could be sent."
    )
    NOT_TAKEN = strawberry.enum_value(
        "NOT_TAKEN", description="The mail server did not accept it within three days."
    )
    NOT_RENDERED = strawberry.enum_value(
        "NOT_RENDERED", description="The template could not be rendered with its data within three days."
    )
    NO_RECIPIENT = strawberry.enum_value(
        "NO_RECIPIENT", description="The account's address never became known."
    )


@strawberry.type(description="A message to an account.")
class Notification:
    """A message to an account."""

    id: strawberry.ID = strawberry.field(description="Starts with ntf_.")
    template: str = strawberry.field(description="The template's name, e.g. order_confirmed.")
    channel: str = strawberry.field(description="Always email.")
    recipient: str = strawberry.field(description="The address it is sent to.")
    subject: str = strawberry.field(description="The subject line.")
    status: NotificationStatus = strawberry.field(description="Its state.")
    attempts: int = strawberry.field(description="Number of attempts so far.")
    order_id: strawberry.ID | None = strawberry.field(description="The order it is about, if any.")
    created_at: Instant = strawberry.field(description="When the event that caused it was received.")
    sent_at: Instant | None = strawberry.field(description="When the mail server accepted it.")
    failure: NotificationFailure | None = strawberry.field(description="Why it failed; null unless FAILED.")


@strawberry.type(description="A notification on a page.")
class NotificationEdge(Edge[Notification]):
    """A notification on a page."""


@strawberry.type(description="A page of notifications, newest first.")
class NotificationConnection(Connection[NotificationEdge, Notification]):
    """A page of notifications."""
