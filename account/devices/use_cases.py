"""Recognises devices. Each has its own bucket for wrong passwords, which no other client can fill (ADR 0023).

A device token does not sign anyone in, so it stays valid when the password changes.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID

from account.accounts.domain import Account
from account.devices.ports import DeviceStore
from account.sessions.domain import AuthResult, hash_token
from account.sessions.use_cases import Sessions
from kit.db import Transaction
from kit.values import Clock, secret_token

_MAX_DEVICES: Final = 20


class Devices:
    """The use cases of devices."""

    def __init__(self, store: DeviceStore, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock

    async def is_known(self, token: str, account: Account | None) -> bool:
        """Whether the token belongs to the account. Takes the same time without an account."""
        owner = await self._store.device_owner(hash_token(token)) if token else None
        return owner is not None and account is not None and owner == account.id

    async def start_session(
        self, tx: Transaction, account: Account, action: str, address: str, token: str = ""
    ) -> AuthResult:
        """Starts a session on a device; the device gets a token unless it has one."""
        result = await self._sessions.start(tx, account, action, address)
        token = token or secret_token()
        await self._store.save_device(tx, account.id, hash_token(token), self._clock(), _MAX_DEVICES)
        return replace(result, device_token=token)

    async def subjects(self, account_id: UUID) -> list[str]:
        """The subjects of the attempt limits of the account's devices."""
        return [token_hash.hex() for token_hash in await self._store.devices_of(account_id)]
