"""A recipient: the account service's latest name and address of one account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderLink:
    """The token of the link to a guest's orders, encrypted until the mail is rendered, and when it expires."""

    sealed_token: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where mail for an account goes.

    Until `email_verified` the address may belong to a stranger, so no text that the account's owner chose is sent there.
    `is_deleted`: the account was deleted; name and address are empty. `order_link` is that of a guest, if it is known.
    """

    account_id: UUID
    name: str
    email: str
    update_time: datetime
    email_verified: bool = False
    is_deleted: bool = False
    is_guest: bool = False
    order_link: OrderLink | None = None
