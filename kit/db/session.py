"""How every database session is opened, and what the server ends by itself when this process cannot: ADR 0022.

A process that is frozen, or whose host is lost, closes nothing. Without these limits its row locks and its advisory locks last as long as
the server believes in its connection, which is two hours by default.
"""

from __future__ import annotations

import socket
from typing import Any

import asyncpg

CONNECT_SECONDS = 5.0
# The longest statement of a service, whoever asks; migrations have no limit.
STATEMENT_SECONDS = 30.0
# Less than the deadline of any call, so that a call that met a lock is tried again within it.
LOCK_SECONDS = 2.0
# No transaction waits for anything but the database, so one that is silent for this long has lost its process.
IDLE_IN_TRANSACTION_SECONDS = 15.0
# A connection whose other side does not answer is given up after about 20 s, by either side.
_KEEPALIVE_IDLE_SECONDS = 5
_KEEPALIVE_INTERVAL_SECONDS = 5
_KEEPALIVE_COUNT = 3
_UNANSWERED_SECONDS = 20

# Of services: a pool's sessions, and those that hold locks.
LIMITS = {
    "statement_timeout": f"{int(STATEMENT_SECONDS * 1000)}",
    "lock_timeout": f"{int(LOCK_SECONDS * 1000)}",
    "idle_in_transaction_session_timeout": f"{int(IDLE_IN_TRANSACTION_SECONDS * 1000)}",
}
_SETTINGS = {
    # it compiles for longer than our statements run
    "jit": "off",
    "tcp_keepalives_idle": str(_KEEPALIVE_IDLE_SECONDS),
    "tcp_keepalives_interval": str(_KEEPALIVE_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(_KEEPALIVE_COUNT),
    "tcp_user_timeout": str(_UNANSWERED_SECONDS * 1000),
}
_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_SECONDS),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_SECONDS),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_SECONDS * 1000),
)


async def connect(url: str, name: str, *, command_seconds: float | None = None, **settings: str) -> Any:
    """An asyncpg connection called `name` in pg_stat_activity; `settings` are the session's, such as lock_timeout="2s".

    Raises what asyncpg raises (`kit.db.errors.DRIVER_ERRORS`).
    """
    return await connection(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=command_seconds,
        server_settings={"application_name": name, **settings},
    )


async def connection(*args: Any, server_settings: dict[str, str], **options: Any) -> Any:
    """What asyncpg.connect answers, with keepalives on both sides; for a pool's `connect`."""
    made = await asyncpg.connect(*args, server_settings={**_SETTINGS, **server_settings}, **options)
    # asyncpg has no option for it; a Unix socket needs none.
    found = made._transport.get_extra_info("socket")
    if found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
        for level, option, value in _OPTIONS:
            found.setsockopt(level, option, value)
    return made
