"""The fakes of the ports of links."""

from datetime import datetime
from uuid import UUID

from account.links.domain import Purpose
from account.tests.rows import Rows
from kit.db import Transaction


class FakeLinkStore(Rows):
    """In memory."""

    async def save_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        others = {link: row for link, row in self.links.items() if row[:2] != (purpose, account_id)}
        self.links = {**others, token_hash: (purpose, account_id, expire_time)}

    async def link_owner(
        self, purpose: Purpose, token_hash: bytes, now: datetime, tx: Transaction | None = None
    ) -> UUID | None:
        link = self.links.get(token_hash)
        return link[1] if link is not None and link[0] is purpose and link[2] > now else None

    async def consume_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        if await self.link_owner(purpose, token_hash, now) is None:
            return False
        del self.links[token_hash]
        return True

    async def delete_links(self, tx: Transaction, account_id: UUID) -> None:
        self.delete_links_of(account_id)


class FakeSealer:
    """Does not encrypt."""

    def seal(self, text: str) -> bytes:
        return text.encode()
