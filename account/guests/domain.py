"""Guests and what becomes of them. A guest has no password, and no name or address before its first contact."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from account.accounts.domain import Account, ContactDetails
from kit.auth import Role
from kit.values import ACCOUNT


@dataclass(frozen=True, slots=True)
class GuestContactSet:
    """A guest gave name and address. The sealed token is of the link in mails about the guest's orders."""

    account: Account
    sealed_token: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class GuestMerged:
    """A guest's orders and cart now belong to an account."""

    guest_id: UUID
    into_id: UUID


@dataclass(frozen=True, slots=True)
class GuestPolicy:
    """How long a guest is kept: without orders, after its last use; with orders, after the last of them ended."""

    unused: timedelta
    ended: timedelta


class OrderState(Enum):
    """What an account has ordered."""

    NONE = "NONE"
    OPEN = "OPEN"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """The orders of an account; `time` is the last change of any, meaningless without orders."""

    state: OrderState
    time: datetime


@dataclass(frozen=True, slots=True)
class DueGuest:
    """A guest that may be deleted, with the last time at which it got a token."""

    id: UUID
    use_time: datetime

    def next_check(self, orders: OrderSummary, policy: GuestPolicy, now: datetime) -> datetime | None:
        """When to look at the guest again; None: delete it now."""
        if orders.state is OrderState.OPEN:
            return now + timedelta(days=1)
        keep = {OrderState.NONE: self.use_time + policy.unused, OrderState.ENDED: orders.time + policy.ended}
        time = max(keep[orders.state], self.use_time + policy.unused)
        return time if time > now else None


def new_guest(now: datetime) -> Account:
    """A guest without a contact."""
    return Account(ACCOUNT.new(), "", "", "", Role.USER, False, now, now, guest=True)


def with_contact(guest: Account, contact: ContactDetails, now: datetime) -> Account:
    """The guest with this name, address and phone number; the same guest if nothing changes."""
    changed = replace(guest, name=contact.name, email=contact.email, phone=contact.phone)
    return guest if changed == guest else replace(changed, update_time=now)


def registered(guest: Account, details: ContactDetails, now: datetime) -> Account:
    """The account that a guest becomes. The address is unverified: any holder of the guest's session may have entered it."""
    return replace(
        guest,
        name=details.name,
        email=details.email,
        phone=details.phone,
        email_verified=False,
        update_time=now,
        guest=False,
    )
