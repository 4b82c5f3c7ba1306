"""The shell, Python and JavaScript examples of the READMEs run unchanged, except for the port."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.e2e.programs import run_program
from tests.e2e.responses import within
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

ROOT = Path(__file__).parents[2]
GATEWAY = "http://127.0.0.1:8000"
PROGRAMS = {
    "sh": ("bash", "-euc"),
    "python": (sys.executable, "-c"),
    "javascript": ("node", "--input-type=module", "-e"),
}


def examples() -> list[tuple[str, str]]:
    """(language, text) of every code block that queries the gateway."""
    return [
        (language, text)
        for readme in ("README.md", "gateway/README.md")
        for language, text in re.findall(r"```(\w+)\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
        if f"{GATEWAY}/graphql" in text
    ]


@pytest.fixture(scope="session")
async def stocked(stack: StackUnderTest) -> StackUnderTest:
    """The stack once the search index has products for the examples."""
    async with stack.shop() as shop:
        admin = await shop.admin()
        products = {await admin.create_product(f"Lamp {number}", price="20.00") for number in range(3)}

        async def are_indexed() -> bool:
            return products <= set(await shop.search("lamp"))

        await within(60, are_indexed, "lamps in the index")
    return stack


def test_there_is_an_example_in_every_language() -> None:
    assert {language for language, _ in examples()} == set(PROGRAMS)


@pytest.mark.parametrize(("language", "text"), examples())
async def test_an_example_prints_products(stocked: StackUnderTest, language: str, text: str) -> None:
    output = await run_program(*PROGRAMS[language], text.replace(GATEWAY, stocked.gateway), seconds=30)
    if language == "sh":
        response = json.loads(output)
        assert "errors" not in response
        assert response["data"]["products"]["nodes"]
    else:
        lines = output.splitlines()
        assert len(lines) == 3
        assert all(re.search(r"\d\.\d\d$", line) for line in lines)
