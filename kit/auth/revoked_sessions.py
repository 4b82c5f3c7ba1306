"""The sessions that have ended while their access tokens have not expired: what every service must know to refuse those."""

import time
from typing import Final
from uuid import UUID

_PRUNE_AT_LEAST: Final = 1000


class RevokedSessions:
    """Remembers each until its tokens have expired by themselves. Told by whoever listens (`kit.service`), asked by the verifier."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}
        self._prune_at = _PRUNE_AT_LEAST

    def add(self, session_id: UUID, until: float) -> None:
        """`until`: when the last of its tokens has expired, in seconds since the epoch."""
        if until <= time.time():
            return
        self._until[session_id] = until
        if len(self._until) >= self._prune_at:
            now = time.time()
            self._until = {each: end for each, end in self._until.items() if end > now}
            self._prune_at = max(_PRUNE_AT_LEAST, 2 * len(self._until))

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._until

    def __len__(self) -> int:
        return len(self._until)
