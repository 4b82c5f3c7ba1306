"""schemathesis over the schema: documents that nobody would write, by a customer, and no server error."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.e2e.ground import Ground, ground

__all__ = ["ground"]

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "gateway" / "schema.graphql"
_SECONDS = 400


async def test_no_document_of_schemathesis_is_a_server_error(ground: Ground) -> None:
    async with ground.shop() as shop:
        # Somebody new: what they change or delete is their own.
        somebody = await shop.register()
    environment = {**os.environ, "PYTHONPATH": str(Path(os.environ["RUNFILES_DIR"], "clients", "site"))}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        HERE / "fuzzed_documents.py",
        f"{ground.gateway}/graphql",
        SCHEMA,
        somebody.token,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(running.communicate(), _SECONDS)
    assert running.returncode == 0, said.decode()[-6000:]
    assert b"executed" in said
