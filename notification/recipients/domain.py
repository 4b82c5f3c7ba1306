"""A recipient: the account service's latest name and address of one account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where mail for an account goes.

    Until `email_verified` the address may belong to a stranger, so no text that the account's owner chose is sent there.
    `is_deleted`: the account was deleted; name and address are empty.
    """

    account_id: UUID
    name: str
    email: str
    update_time: datetime
    email_verified: bool = False
    is_deleted: bool = False
