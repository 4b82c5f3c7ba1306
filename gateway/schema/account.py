"""Accounts and signing in."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated

import strawberry

from gateway.context import Info, selects
from gateway.schema.notification import NotificationConnection
from gateway.schema.order import OrderConnection, OrderFilter
from gateway.schema.paging import TOTAL_COUNT, After, First, PageInfo
from gateway.schema.scalars import Instant


@strawberry.enum(description="What an account may do.")
class Role(Enum):
    """What an account may do."""

    USER = strawberry.enum_value("USER", description="A customer.")
    ADMIN = strawberry.enum_value("ADMIN", description="An operator of the shop.")


@strawberry.type(description="A person who can sign in.")
class Account:
    """A person who can sign in."""

    id: strawberry.ID = strawberry.field(description="Begins with acc_.")
    name: str = strawberry.field(description="1-100 characters.")
    email: str = strawberry.field(description="Normalised to lower case.")
    email_verified: bool = strawberry.field(description="Whether the address was proven by a mailed link.")
    phone: str | None = strawberry.field(description="E.164.")
    role: Role = strawberry.field(description="What it may do.")
    created_at: Instant = strawberry.field(description="When it was made.")
    updated_at: Instant = strawberry.field(description="When it last changed.")

    @strawberry.field(description="Its orders, newest first.")
    async def orders(
        self,
        info: Info,
        filter: Annotated[OrderFilter | None, strawberry.argument(description="Which of them.")] = None,
        first: First = 20,
        after: After = None,
    ) -> OrderConnection | None:
        """For the owner and ADMIN, as the order service says. First pages are loaded for all accounts of a request at once."""
        context, count = info.context, selects(info, "totalCount")
        if after:
            return await context.peers.order.list(self.id, filter, first, after, count)

        async def many(ids: Sequence[str]) -> Mapping[str, OrderConnection]:
            return await context.peers.order.list_each(ids, filter, first, count)

        return await context.load_page(f"orders {filter} {first} {count}", self.id, many, first)

    @strawberry.field(description="What was sent to it, newest first.")
    async def notifications(
        self,
        info: Info,
        order_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those about this order.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> NotificationConnection | None:
        """For the owner and ADMIN, as the notification service says. First pages are loaded for all accounts of a request at once."""
        context, count = info.context, selects(info, "totalCount")
        if after:
            return await context.peers.notification.list(self.id, order_id, first, after, count)

        async def many(ids: Sequence[str]) -> Mapping[str, NotificationConnection]:
            return await context.peers.notification.list_each(ids, order_id, first, count)

        return await context.load_page(f"notifications {order_id} {first} {count}", self.id, many, first)


@strawberry.type(description="An account and the tokens of its new session.")
class AuthPayload:
    """An account, signed in."""

    account: Account = strawberry.field(description="Who signed in.")
    access_token: str = strawberry.field(description="Send it as: Authorization: Bearer <accessToken>.")
    access_token_expires_at: Instant = strawberry.field(description="When it stops being honoured.")
    refresh_token: str | None = strawberry.field(
        description="Exchanges for a new pair, once; null when it was sent as a cookie."
    )
    refresh_token_expires_at: Instant | None = strawberry.field(
        description="When the refresh token stops being honoured if it is not used."
    )
    device_token: str | None = strawberry.field(
        description="Of register and login, else null. Keep it on the device beyond logout, and send it with the account's next login: "
        "wrong passwords that others try then cannot keep this device from signing in."
    )


@strawberry.input(description="A new account.")
class RegisterInput:
    """A new account."""

    name: str = strawberry.field(
        description="1-100 visible characters; neither links nor characters that are invisible or change the direction of text."
    )
    email: str = strawberry.field(description="3-254 characters, with a dotted domain.")
    password: str = strawberry.field(description="8-72 bytes; the commonest are refused.")
    phone: str | None = strawberry.field(default=None, description="E.164, e.g. +41441234567.")


@strawberry.input(description="Credentials.")
class LoginInput:
    """Credentials."""

    email: str = strawberry.field(description="The account's address.")
    password: str = strawberry.field(description="Its password.")
    device_token: str | None = strawberry.field(
        default=None,
        description="The deviceToken of the account's last login or registration on this device; one that is not the account's is "
        "ignored.",
    )


@strawberry.input(description="An absent field stays; null clears what is optional.")
class UpdateProfileInput:
    """Changes of a profile."""

    name: str | None = strawberry.field(default=strawberry.UNSET, description="1-100 characters.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="E.164; null clears it.")


@strawberry.type(description="An account of a page.")
class AccountEdge:
    """An account of a page."""

    cursor: str = strawberry.field(description="Goes on after this account when given as after.")
    node: Account = strawberry.field(description="The account.")


@strawberry.type(description="A page of accounts, newest first.")
class AccountConnection:
    """A page of accounts."""

    edges: list[AccountEdge] = strawberry.field(description="The accounts with their cursors.")
    nodes: list[Account] = strawberry.field(description="The accounts.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(description=TOTAL_COUNT)


@strawberry.type(description="Who did what to what, when and from where.")
class AuditEvent:
    """One line of the audit log."""

    id: strawberry.ID = strawberry.field(description="Begins with aud_.")
    at: Instant = strawberry.field(description="When.")
    action: str = strawberry.field(description="What, e.g. account.login or catalog.update_product.")
    actor_id: strawberry.ID | None = strawberry.field(
        description="The account that did it; null: the console, or somebody who was not signed in."
    )
    subject_id: strawberry.ID | None = strawberry.field(description="To what it was done, if to anything.")
    address: str | None = strawberry.field(
        description="The client's network address; null when it is not known, or was that of a deleted account."
    )
    detail: str | None = strawberry.field(description="More about it.")


@strawberry.type(description="An event of a page of the audit log.")
class AuditEventEdge:
    """An event of a page."""

    cursor: str = strawberry.field(description="Goes on after this event when given as after.")
    node: AuditEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of the audit log, newest first.")
class AuditEventConnection:
    """A page of the audit log."""

    edges: list[AuditEventEdge] = strawberry.field(description="The events with their cursors.")
    nodes: list[AuditEvent] = strawberry.field(description="The events.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(description=TOTAL_COUNT)
