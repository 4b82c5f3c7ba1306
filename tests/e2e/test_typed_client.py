"""The typed client that is made of the schema buys something: //gateway:client, driven by typed_client.py."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import SECONDS

__all__ = ["ground"]

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "gateway" / "souk_client.zip"


async def test_the_typed_client_buys_and_cancels(ground: Ground) -> None:
    site = Path(os.environ["RUNFILES_DIR"], "clients", "site")
    environment = {**os.environ, "PYTHONPATH": f"{site}:{CLIENT}"}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        HERE / "typed_client.py",
        ground.gateway,
        str(SECONDS),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await asyncio.wait_for(running.communicate(), 4 * SECONDS)
    assert running.returncode == 0, complained.decode()
    assert said.decode().strip() == "bought and cancelled"
