"""Long-lived connections on this replica: sockets and event streams, open while the client stays and its token is valid."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from kit.auth import Principal
from kit.errors import ResourceExhausted, SoukError, Unauthenticated, Unavailable
from kit.graphql.metrics import CONNECTIONS
from kit.rpc import Verifier
from kit.telemetry import get_logger
from kit.values import client_network

log = get_logger(__name__)

_TOKEN_CHECK_SECONDS: Final = 5.0
# A client that does not read for this long is considered gone.
SEND_SECONDS: Final = 30.0

K = TypeVar("K")


class TooManyConnections(ResourceExhausted):
    """The account or network has the maximum number of open connections."""

    reason = "TOO_MANY_LISTENERS"


class ShuttingDown(Unavailable):
    """This replica shuts down; the client should reconnect to another."""

    reason = "GOING_AWAY"


class ConnectionLimit(Generic[K]):
    """Limits open connections per key."""

    def __init__(self, limit: int, message: str) -> None:
        self._limit = limit
        self._message = message
        self._open: Counter[K] = Counter()

    @contextmanager
    def track(self, key: K) -> Iterator[None]:
        """Counts a connection while the block runs; raises TooManyConnections."""
        if self._open[key] >= self._limit:
            raise TooManyConnections(self._message)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


class ClientConnections:
    """Limits open connections, and ends them when their token is revoked or this replica shuts down.

    `limit` is per account, `guest_limit` for all guests of one network: anyone can start many guests.
    """

    def __init__(self, limit: int, guest_limit: int, verifier: Verifier) -> None:
        self._verifier = verifier
        self._shutdown = asyncio.Event()
        message = f"an account may have up to {limit} open connections"
        self._accounts: ConnectionLimit[UUID] = ConnectionLimit(limit, message)
        message = f"the guests of one network may have up to {guest_limit} open connections"
        self._guests: ConnectionLimit[str] = ConnectionLimit(guest_limit, message)

    @contextmanager
    def track(self, principal: Principal, address: str) -> Iterator[None]:
        """Counts a client's connection while the block runs; raises TooManyConnections."""
        with self._limit(principal, address):
            CONNECTIONS.inc()
            try:
                yield
            finally:
                CONNECTIONS.dec()

    def _limit(self, principal: Principal, address: str) -> AbstractContextManager[None]:
        if principal.guest:
            return self._guests.track(client_network(address))
        return self._accounts.track(principal.account_id)

    def close_all(self) -> None:
        """Ends all connections, for a shutdown."""
        self._shutdown.set()

    async def wait_until_revoked(self, principal: Principal) -> Unauthenticated | ShuttingDown:
        """Returns once the token is no longer valid or the replica shuts down, with the reason."""
        while True:
            try:
                await self._verifier.verify(principal.token)
            except Unauthenticated as error:
                return error
            except SoukError:
                log.warning("connection.token_check_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._shutdown.wait(), _TOKEN_CHECK_SECONDS)
                return ShuttingDown("this replica is shutting down")


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """One signed-in client's connection."""

    connections: ClientConnections
    principal: Principal
    address: str

    def track(self) -> AbstractContextManager[None]:
        """Counts it while the block runs; raises TooManyConnections."""
        return self.connections.track(self.principal, self.address)

    async def wait_until_revoked(self) -> Unauthenticated | ShuttingDown:
        """Returns once the connection must end, with the reason."""
        return await self.connections.wait_until_revoked(self.principal)
