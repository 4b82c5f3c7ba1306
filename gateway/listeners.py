"""Who listens on this replica: connections that stay open as long as their client likes and its token is valid."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Generic, TypeVar
from uuid import UUID

from gateway.metrics import LISTENERS
from kit.auth import Principal, TokenVerifier
from kit.errors import ResourceExhausted, SoukError, Unauthenticated, Unavailable
from kit.telemetry import get_logger

log = get_logger(__name__)

_TOKEN_SECONDS: Final = 5.0
# Who does not read for so long is taken for gone.
SEND_SECONDS: Final = 30.0

K = TypeVar("K")


class TooManyListeners(ResourceExhausted):
    """The account has as many open connections as it may."""

    reason = "TOO_MANY_LISTENERS"


class GoingAway(Unavailable):
    """This replica ends; the client is to listen to another."""

    reason = "GOING_AWAY"


class AtMost(Generic[K]):
    """So many connections for each key."""

    def __init__(self, most: int, message: str) -> None:
        self._most = most
        self._message = message
        self._open: Counter[K] = Counter()

    @contextmanager
    def one_more(self, key: K) -> Iterator[None]:
        """Counts a connection for as long as the block lasts; raises TooManyListeners when there are too many."""
        if self._open[key] >= self._most:
            raise TooManyListeners(self._message)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


class Listeners:
    """So many connections for each account."""

    def __init__(self, most: int, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._ending = asyncio.Event()
        self._of_account: AtMost[UUID] = AtMost(most, f"an account may have {most} open connections")

    @contextmanager
    def one_more(self, principal: Principal) -> Iterator[None]:
        """Counts a connection of an account for as long as the block lasts; raises TooManyListeners when it has too many."""
        with self._of_account.one_more(principal.account_id):
            LISTENERS.inc()
            try:
                yield
            finally:
                LISTENERS.dec()

    def end(self) -> None:
        """Nobody may listen any longer."""
        self._ending.set()

    async def ended(self, principal: Principal) -> Unauthenticated | GoingAway:
        """Waits until the caller may not listen any longer; answers why."""
        while True:
            try:
                await self._verifier.verify(principal.token)
            except Unauthenticated as error:
                return error
            except SoukError:
                log.warning("listener.token_not_checked")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _TOKEN_SECONDS)
                return GoingAway("this replica ends")
