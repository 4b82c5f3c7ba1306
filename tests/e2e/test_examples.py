"""The examples of the READMEs, run word for word but for the port: shell, Python and JavaScript."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import within

__all__ = ["ground"]

ROOT = Path(__file__).parents[2]
GATEWAY = "http://127.0.0.1:8000"
PROGRAMS = {
    "sh": ("bash", "-euc"),
    "python": (sys.executable, "-c"),
    "javascript": ("node", "--input-type=module", "-e"),
}


def examples() -> list[tuple[str, str]]:
    """(language, text) of each block that asks the gateway."""
    return [
        (language, text)
        for readme in ("README.md", "gateway/README.md")
        for language, text in re.findall(r"```(\w+)\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
        if f"{GATEWAY}/graphql" in text
    ]


@pytest.fixture(scope="session")
async def stocked(ground: Ground) -> Ground:
    """The shop once the index has what the examples look for."""
    async with ground.shop() as shop:
        admin = await shop.admin()
        made = {await admin.create_product(f"Lamp {number}", price="20.00") for number in range(3)}

        async def found() -> bool:
            return made <= set(await shop.search("lamp"))

        await within(60, found, "lamps in the index")
    return ground


def test_there_is_one_in_each_language() -> None:
    assert {language for language, _ in examples()} == set(PROGRAMS)


@pytest.mark.parametrize(("language", "text"), examples())
async def test_an_example_prints_products(stocked: Ground, language: str, text: str) -> None:
    running = await asyncio.create_subprocess_exec(
        *PROGRAMS[language],
        text.replace(GATEWAY, stocked.gateway),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 0, complained.decode()
    if language == "sh":
        answer = json.loads(said)
        assert "errors" not in answer
        assert answer["data"]["products"]["nodes"]
    else:
        lines = said.decode().splitlines()
        assert len(lines) == 3
        assert all(re.search(r"\d\.\d\d$", line) for line in lines)
