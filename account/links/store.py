"""The only reader and writer of the table `mailed_links`. `sessions.store` and `accounts.store` also delete the links of an account."""

from datetime import datetime
from uuid import UUID

from account.links.domain import Purpose
from account.tables import MailedLinkRow
from kit.db import Database, Transaction

_DELETE_PURPOSE = "DELETE FROM mailed_links WHERE account_id = $1 AND purpose = $2"
_DELETE_ALL = "DELETE FROM mailed_links WHERE account_id = $1"
_OWNER = "SELECT account_id FROM mailed_links WHERE hash = $1 AND purpose = $2 AND expire_time > $3"
_CONSUME = "DELETE FROM mailed_links WHERE hash = $1 AND purpose = $2 AND expire_time > $3 RETURNING true"


class PostgresLinkStore:
    """`ports.LinkStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def save_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        """Replaces earlier links of the account for the same purpose."""
        await tx.execute(_DELETE_PURPOSE, account_id, purpose.value)
        row = MailedLinkRow(
            hash=token_hash,
            purpose=purpose.value,
            account_id=account_id,
            create_time=now,
            expire_time=expire_time,
        )
        await tx.run(MailedLinkRow.insert(row))

    async def link_owner(
        self, purpose: Purpose, token_hash: bytes, now: datetime, tx: Transaction | None = None
    ) -> UUID | None:
        """The account of a link; None when it is unknown, used or expired."""
        owner: UUID | None = await (tx or self._db).fetchval(_OWNER, token_hash, purpose.value, now)
        return owner

    async def consume_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        """Of concurrent calls one succeeds."""
        return bool(await tx.fetchval(_CONSUME, token_hash, purpose.value, now))

    async def delete_links(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes the links for all purposes."""
        await tx.execute(_DELETE_ALL, account_id)
