"""Runs programs of other languages or packages as child processes."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path


async def run_program(
    *command: str | Path, seconds: float, environment: Mapping[str, str] | None = None
) -> str:
    """The standard output of a program; raises AssertionError with its errors if it fails, TimeoutError after `seconds`."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), seconds)
    assert process.returncode == 0, (output + errors).decode()[-6000:]
    return output.decode()
