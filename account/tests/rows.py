"""The rows of the fake stores, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from account.addresses.domain import SavedAddress
from account.audit.domain import AuditRecord
from account.credentials.domain import Credentials
from account.links.domain import Purpose
from account.sessions.domain import Session


@dataclass(frozen=True)
class StoredToken:
    """A row of `refresh_tokens`."""

    session_id: UUID
    expire_time: datetime
    use_time: datetime | None = None
    parent: bytes | None = None
    seed: str | None = None


class Rows:
    """What the tables hold. All fake stores share it, as the real ones share a database; it has no locks."""

    def __init__(self) -> None:
        self.accounts: dict[UUID, Credentials] = {}
        self.sessions: dict[UUID, Session] = {}
        self.revoked: dict[UUID, datetime] = {}
        self.tokens: dict[bytes, StoredToken] = {}
        self.links: dict[bytes, tuple[Purpose, UUID, datetime]] = {}
        self.audits: list[AuditRecord] = []
        self.attempts: dict[str, tuple[int, datetime]] = {}
        self.guesses: dict[str, tuple[Sequence[str], datetime]] = {}
        self.devices: dict[bytes, tuple[UUID, datetime]] = {}
        self.addresses: dict[UUID, SavedAddress] = {}
        self.guest_due_times: dict[UUID, datetime] = {}
        self.merged: dict[UUID, UUID] = {}
        self.purged: list[UUID] = []
        # The ids of each read of accounts.
        self.reads: list[set[UUID]] = []
        # How many of the next erasures meet concurrent work.
        self.contentions = 0

    def credentials_of(self, email: str) -> Credentials | None:
        accounts = (stored for stored in self.accounts.values() if not stored.account.guest)
        return next((stored for stored in accounts if stored.account.email == email), None)

    def delete_links_of(self, account_id: UUID) -> None:
        self.links = {link: row for link, row in self.links.items() if row[1] != account_id}
