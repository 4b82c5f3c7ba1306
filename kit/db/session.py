"""A database session of its own, for what cannot share the pool's: locks that last, and migrations."""

from __future__ import annotations

from typing import Any

import asyncpg

_CONNECT_SECONDS = 5.0


async def connect(url: str, name: str, **options: Any) -> Any:
    """An asyncpg connection called `name` in pg_stat_activity; `options` are session settings, such as lock_timeout="2s".

    Raises what asyncpg raises (`kit.db.faults.DRIVER_ERRORS`).
    """
    settings = {"application_name": name, "jit": "off", **options}
    return await asyncpg.connect(url, timeout=_CONNECT_SECONDS, server_settings=settings)
