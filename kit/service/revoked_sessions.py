"""Hears from the account service which sessions have ended, so that this service refuses their tokens (docs/decisions/0016).

Deciding that a session ends is the account service's; refusing a token is the verifier's.
"""

from typing import Final

from souk.account.v1 import events_pb2 as pb

from kit.auth import LEEWAY, MAX_LIFETIME, RevokedSessions
from kit.events import Event, TopicReplayer
from kit.telemetry import get_logger
from kit.values import SESSION, timestamp_from_proto

log = get_logger(__name__)

TOPIC: Final = "souk.account.v1"
# With Kafka away a service starts without knowing: its tokens end by themselves within LIFETIME_MOST.
PATIENCE_SECONDS: Final = 3.0


class RevokedSessionsListener:
    """A job that keeps `ended` up to date. At its start, and after a gap, it reads back as far as any token that still counts goes."""

    name = "ended sessions"

    def __init__(self, bootstrap: str, ended: RevokedSessions) -> None:
        self._ended = ended
        # A minute more: records carry the time of their publishing, by another machine's clock.
        back = MAX_LIFETIME + LEEWAY + LEEWAY * 12
        self._follow = TopicReplayer(TOPIC, bootstrap, pb.SessionEnded, self._heard, back=back)

    async def open(self) -> None:
        """Begins to listen."""
        await self._follow.open()

    async def close(self) -> None:
        """Listens no more."""
        await self._follow.close()

    async def wait_until_caught_up(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits, but not long, until the sessions that had ended before now are known."""
        if not await self._follow.caught_up(seconds):
            log.warning("sessions.unknown", seconds=seconds)

    def _heard(self, event: Event[pb.SessionEnded]) -> None:
        until = timestamp_from_proto(event.body.tokens_expire_time) + LEEWAY
        self._ended.add(SESSION.parse(event.body.session_id, "session_id"), until.timestamp())
