"""Revoked sessions whose access tokens have not expired yet; every service rejects those tokens."""

import time
from typing import Final
from uuid import UUID

_MIN_PRUNE_SIZE: Final = 1000


class RevokedSessions:
    """Keeps each session until its tokens have expired. `kit.service` adds sessions, `TokenVerifier` looks them up."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}
        self._prune_size = _MIN_PRUNE_SIZE

    def add(self, session_id: UUID, until: float) -> None:
        """`until`: when the last of its tokens expires, in seconds since the epoch."""
        if until <= time.time():
            return
        self._until[session_id] = until
        if len(self._until) >= self._prune_size:
            now = time.time()
            self._until = {session: expiry for session, expiry in self._until.items() if expiry > now}
            self._prune_size = max(_MIN_PRUNE_SIZE, 2 * len(self._until))

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._until

    def __len__(self) -> int:
        return len(self._until)
