"""Devices that signed in before. Each has a bucket of its own for wrong passwords, which no stranger can fill (ADR 0023).

A device token proves nothing but that: it signs nobody in, so it outlives new passwords.
"""

from typing import Final
from uuid import UUID

from account.domain import Account
from account.ports import DeviceStore
from account.session_use_cases import digest
from kit.db import Transaction
from kit.values import Clock, secret_token

_MAX_DEVICES: Final = 20


class Devices:
    """Issues and recognises device tokens."""

    def __init__(self, store: DeviceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def is_known(self, token: str, account: Account | None) -> bool:
        """Whether the token is one of the account's. It takes as long when there is no account."""
        owner = await self._store.device_owner(digest(token)) if token else None
        return owner is not None and account is not None and owner == account.id

    async def signed_in(self, tx: Transaction, account_id: UUID, token: str = "") -> str:
        """Records that a device signed in, and returns its token: a fresh one when it had none."""
        token = token or secret_token()
        await self._store.keep_device(tx, account_id, digest(token), self._clock(), _MAX_DEVICES)
        return token

    async def subjects(self, account_id: UUID) -> list[str]:
        """What the account's devices are counted by."""
        return [token_hash.hex() for token_hash in await self._store.devices_of(account_id)]
