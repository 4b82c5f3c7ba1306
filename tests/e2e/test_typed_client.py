"""The typed client that is generated from the schema (//gateway:client) buys something; typed_client.py drives it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.e2e.programs import run_program
from tests.e2e.responses import SECONDS
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "gateway" / "souk_client.zip"


async def test_the_typed_client_buys_and_cancels(stack: StackUnderTest) -> None:
    site = Path(os.environ["RUNFILES_DIR"], "clients", "site")
    output = await run_program(
        sys.executable,
        HERE / "typed_client.py",
        stack.gateway,
        str(SECONDS),
        seconds=4 * SECONDS,
        environment={"PYTHONPATH": f"{site}:{CLIENT}"},
    )
    assert output.strip() == "bought and cancelled"
