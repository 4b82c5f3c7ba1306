"""The fake of the port of devices."""

from datetime import datetime
from uuid import UUID

from account.tests.rows import Rows
from kit.db import Transaction


class FakeDeviceStore(Rows):
    """In memory."""

    async def device_owner(self, token_hash: bytes) -> UUID | None:
        return self.devices[token_hash][0] if token_hash in self.devices else None

    async def devices_of(self, account_id: UUID) -> list[bytes]:
        return [token for token, row in self.devices.items() if row[0] == account_id]

    async def save_device(
        self, tx: Transaction, account_id: UUID, token_hash: bytes, now: datetime, limit: int
    ) -> None:
        self.devices[token_hash] = (account_id, now)
        newest_first = sorted(
            await self.devices_of(account_id), key=lambda token: (-self.devices[token][1].timestamp(), token)
        )
        for token in newest_first[limit:]:
            del self.devices[token]
