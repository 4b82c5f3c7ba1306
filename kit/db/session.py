"""Opens database sessions, with limits that make the server end them when this process cannot (ADR 0022).

A frozen process or a lost host closes nothing. Without these limits its row locks and advisory locks last until the server considers the
connection dead, two hours by default.
"""

from __future__ import annotations

import socket
from typing import Any

import asyncpg

CONNECT_SECONDS = 5.0
# Maximum duration of any statement of a service; migrations have no limit.
STATEMENT_SECONDS = 30.0
# Shorter than the deadline of any call, so that a call that hit a lock can be retried within it.
LOCK_SECONDS = 2.0
# Transactions wait for nothing but the database, so one that is idle for this long has lost its process.
IDLE_IN_TRANSACTION_SECONDS = 15.0
# Either side closes a connection after about 20 s without an acknowledgement.
_KEEPALIVE_IDLE_SECONDS = 5
_KEEPALIVE_INTERVAL_SECONDS = 5
_KEEPALIVE_COUNT = 3
_UNANSWERED_SECONDS = 20

# For the sessions of a pool and those that hold locks.
LIMITS = {
    "statement_timeout": f"{int(STATEMENT_SECONDS * 1000)}",
    "lock_timeout": f"{int(LOCK_SECONDS * 1000)}",
    "idle_in_transaction_session_timeout": f"{int(IDLE_IN_TRANSACTION_SECONDS * 1000)}",
}
_SETTINGS = {
    # Compilation takes longer than our statements.
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
    """asyncpg.connect with keepalives on both sides; for a pool's `connect`."""
    connected = await asyncpg.connect(*args, server_settings={**_SETTINGS, **server_settings}, **options)
    # asyncpg has no option for this; a Unix socket needs none.
    tcp_socket = connected._transport.get_extra_info("socket")
    if tcp_socket is not None and tcp_socket.family in (socket.AF_INET, socket.AF_INET6):
        for level, option, value in _OPTIONS:
            tcp_socket.setsockopt(level, option, value)
    return connected
