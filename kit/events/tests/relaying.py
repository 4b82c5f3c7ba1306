"""A process of its own that relays until it is ended: python relaying.py DATABASE_URL BOOTSTRAP."""

import asyncio
import sys

from kit.db import Database
from kit.events import Relay


async def main(url: str, bootstrap: str) -> None:
    """Relays."""
    db = Database(url)
    await db.open()
    await Relay(db, bootstrap).open()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
