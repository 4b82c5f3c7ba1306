"""Accounts, authentication and the audit log."""

from enum import Enum

import strawberry

from kit.graphql import Connection, Edge, Instant


@strawberry.enum(description="What an account is allowed to do.")
class Role(Enum):
    """What an account is allowed to do."""

    USER = strawberry.enum_value("USER", description="A customer.")
    ADMIN = strawberry.enum_value("ADMIN", description="An operator of the shop.")


@strawberry.type(description="A registered user, or a guest.")
class Account:
    """A registered user, or a guest."""

    id: strawberry.ID = strawberry.field(description="Starts with acc_.")
    name: str = strawberry.field(description="1-100 characters; empty for a guest without a contact.")
    email: str = strawberry.field(description="In lower case; empty for a guest without a contact.")
    email_verified: bool = strawberry.field(
        description="Whether the address was verified by an emailed link."
    )
    phone: str | None = strawberry.field(description="In E.164 format.")
    role: Role = strawberry.field(description="Decides what the account is allowed to do.")
    created_at: Instant = strawberry.field(description="When the account was created.")
    updated_at: Instant = strawberry.field(description="When the account last changed.")
    guest: bool = strawberry.field(description="Whether it has no password and cannot sign in.")


@strawberry.type(description="An account and the tokens of its new session.")
class AuthPayload:
    """An account and the tokens of its new session."""

    account: Account = strawberry.field(description="The account that signed in.")
    access_token: str = strawberry.field(description="Send it as: Authorization: Bearer <accessToken>.")
    access_token_expires_at: Instant = strawberry.field(description="When the access token expires.")
    refresh_token: str | None = strawberry.field(
        description="Can be exchanged for a new pair of tokens, once. Never null today."
    )
    refresh_token_expires_at: Instant | None = strawberry.field(
        description="When the refresh token expires if it is not used."
    )
    device_token: str | None = strawberry.field(
        description="From register and login, else null. Keep it on the device after logout and send it with the account's next login: "
        "failed login attempts of others then cannot lock this device out."
    )


@strawberry.input(description="A new account.")
class RegisterInput:
    """A new account."""

    name: str = strawberry.field(
        description="1-100 visible characters; no links, no invisible characters, none that change the direction of text."
    )
    email: str = strawberry.field(description="3-254 characters, with a dotted domain.")
    password: str = strawberry.field(description="8-72 bytes; common passwords are rejected.")
    phone: str | None = strawberry.field(default=None, description="In E.164 format, e.g. +41441234567.")
    guest_token: str | None = strawberry.field(
        default=None,
        description="An access token of the guest that becomes the account: its orders and cart stay, its sessions are revoked. Any other "
        "token fails with BAD_USER_INPUT (reason GUEST_ONLY).",
    )


@strawberry.input(description="Credentials.")
class LoginInput:
    """Credentials."""

    email: str = strawberry.field(description="The account's address.")
    password: str = strawberry.field(description="The account's password.")
    device_token: str | None = strawberry.field(
        default=None,
        description="The deviceToken of the account's last login or registration on this device; another account's is ignored.",
    )


@strawberry.input(description="Omitted fields keep their value; null clears an optional field.")
class UpdateProfileInput:
    """Changes of a profile."""

    name: str | None = strawberry.field(default=strawberry.UNSET, description="1-100 characters.")
    phone: str | None = strawberry.field(
        default=strawberry.UNSET, description="In E.164 format; null clears it."
    )


@strawberry.type(description="An account on a page.")
class AccountEdge(Edge[Account]):
    """An account on a page."""


@strawberry.type(description="A page of accounts, newest first.")
class AccountConnection(Connection[AccountEdge, Account]):
    """A page of accounts."""


@strawberry.type(description="An entry of the audit log: who did what to which object, when and from where.")
class AuditEvent:
    """An entry of the audit log."""

    id: strawberry.ID = strawberry.field(description="Starts with aud_.")
    at: Instant = strawberry.field(description="When it happened.")
    action: str = strawberry.field(description="For example account.login or catalog.update_product.")
    actor_id: strawberry.ID | None = strawberry.field(
        description="The account that acted; null for the console or a client that was not signed in."
    )
    subject_id: strawberry.ID | None = strawberry.field(description="The object of the action, if any.")
    address: str | None = strawberry.field(
        description="The client's network address; null if unknown, or if the account was deleted."
    )
    detail: str | None = strawberry.field(description="Further details.")


@strawberry.type(description="An event on a page of the audit log.")
class AuditEventEdge(Edge[AuditEvent]):
    """An event on a page of the audit log."""


@strawberry.type(description="A page of the audit log, newest first.")
class AuditEventConnection(Connection[AuditEventEdge, AuditEvent]):
    """A page of the audit log."""
