"""Consumes the account service's events of revoked sessions, whose tokens the verifier then rejects (docs/decisions/0016)."""

from typing import Final

from souk.account.v1 import events_pb2 as pb

from kit.auth import LEEWAY, MAX_LIFETIME, RevokedSessions
from kit.events import Event, TopicReplayer
from kit.telemetry import get_logger
from kit.values import SESSION, timestamp_from_proto

log = get_logger(__name__)

TOPIC: Final = "souk.account.v1"
# If Kafka is down, the service starts without the list: tokens expire by themselves within MAX_LIFETIME.
CATCH_UP_SECONDS: Final = 3.0


class RevokedSessionsListener:
    """A job that keeps `revoked_sessions` up to date; on start it re-reads the topic for one token lifetime."""

    name = "revoked sessions"

    def __init__(self, bootstrap: str, revoked_sessions: RevokedSessions) -> None:
        self._revoked = revoked_sessions
        # One more minute, because the timestamps of records come from another machine's clock.
        lookback = MAX_LIFETIME + LEEWAY + LEEWAY * 12
        self._replayer = TopicReplayer(TOPIC, bootstrap, pb.SessionEnded, self._on_event, lookback=lookback)

    async def open(self) -> None:
        """Starts consuming."""
        await self._replayer.open()

    async def close(self) -> None:
        """Stops consuming."""
        await self._replayer.close()

    async def wait_until_caught_up(self, seconds: float = CATCH_UP_SECONDS) -> None:
        """Waits, for a few seconds, until the sessions revoked before now are known."""
        if not await self._replayer.caught_up(seconds):
            log.warning("revoked_sessions.not_caught_up", seconds=seconds)

    def _on_event(self, event: Event[pb.SessionEnded]) -> None:
        until = timestamp_from_proto(event.body.tokens_expire_time) + LEEWAY
        self._revoked.add(SESSION.parse(event.body.session_id, "session_id"), until.timestamp())
