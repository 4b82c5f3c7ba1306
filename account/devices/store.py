"""The only reader and writer of the table `devices`, except that `accounts.store` erases those of a deleted account."""

from datetime import datetime
from uuid import UUID

from kit.db import Database, Transaction

_OWNER = "SELECT account_id FROM devices WHERE hash = $1"
_DEVICES_OF = "SELECT hash FROM devices WHERE account_id = $1"
_SAVE = """
INSERT INTO devices (hash, account_id, create_time, use_time) VALUES ($1, $2, $3, $3)
ON CONFLICT (hash) DO UPDATE SET use_time = $3
"""
_TRIM = """
DELETE FROM devices WHERE hash IN (
    SELECT hash FROM devices WHERE account_id = $1 ORDER BY use_time DESC, hash OFFSET $2
)
"""


class PostgresDeviceStore:
    """`ports.DeviceStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def device_owner(self, token_hash: bytes) -> UUID | None:
        """The account that signed in on the device."""
        owner: UUID | None = await self._db.fetchval(_OWNER, token_hash)
        return owner

    async def devices_of(self, account_id: UUID) -> list[bytes]:
        """The devices of an account."""
        return [row["hash"] for row in await self._db.fetch(_DEVICES_OF, account_id)]

    async def save_device(
        self, tx: Transaction, account_id: UUID, token_hash: bytes, now: datetime, limit: int
    ) -> None:
        """The caller holds the lock of the account, so calls for one account do not trim concurrently."""
        await tx.execute(_SAVE, token_hash, account_id, now)
        await tx.execute(_TRIM, account_id, limit)
