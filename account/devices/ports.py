"""What devices need from their store. A method without `tx` is a single statement."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction


class DeviceStore(Protocol):
    """Devices, identified by the hashes of their tokens."""

    async def device_owner(self, token_hash: bytes) -> UUID | None:
        """The account that signed in on the device."""

    async def devices_of(self, account_id: UUID) -> list[bytes]:
        """The devices of an account."""

    async def save_device(
        self, tx: Transaction, account_id: UUID, token_hash: bytes, now: datetime, limit: int
    ) -> None:
        """Records a sign-in on a device, and deletes all but the `limit` most recently used devices of the account."""
