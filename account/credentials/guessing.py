"""Checks passwords under the limits on wrong ones (ADR 0023)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from account.accounts.domain import Account
from account.attempts.domain import AttemptLimit, Guess
from account.attempts.errors import LoginThrottled, TooBusy
from account.attempts.use_cases import Throttle
from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from account.credentials.domain import GuessLimits
from account.devices.use_cases import Devices
from account.metrics import LOGINS


class PasswordGuesses:
    """Limits and records wrong passwords."""

    def __init__(self, throttle: Throttle, limits: GuessLimits, devices: Devices, audit: AuditLog) -> None:
        self._throttle = throttle
        self.limits = limits
        self._devices = devices
        self._audit = audit

    @asynccontextmanager
    async def limited(self, limits: Sequence[AttemptLimit]) -> AsyncIterator[Guess]:
        """Checks a password inside the block; raises LoginThrottled, TooBusy."""
        try:
            async with self._throttle.guess(limits) as guess:
                yield guess
        except LoginThrottled:
            LOGINS.labels("throttled").inc()
            raise
        except TooBusy:
            LOGINS.labels("busy").inc()
            raise

    async def record_wrong(self, action: str, account_id: UUID | None, address: str) -> None:
        """Records a wrong password in the audit log; for an unknown address too, so that it takes the same time."""
        await self._audit.record_alone(AuditEvent(action, None, account_id, address))

    async def forgive(self, account: Account, address: str) -> None:
        """Resets the limits of an account whose owner has just read its mail, for this network and the owner's devices."""
        limits = self.limits.of_login(account.email, address)[:1]
        for device in await self._devices.subjects(account.id):
            limits += self.limits.of_device(device)
        await self._throttle.reset(limits)
