"""The guide for shop developers: every query of docs/guide runs, in the order of its page, against the real stack.

The first line of a query names who sends it: an ADMIN, the account that the page registered, or no one. Ids that the page leaves
open ("ord_...") are those of the last response that had one.
"""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.responses import Response, within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

PAGES = sorted((Path(__file__).parents[2] / "docs" / "guide").glob("*.md"))
NOT_RUN = ("with the token of the mail",)


def queries(page: Path) -> list[tuple[str, str]]:
    """(who sends it, document) of each query of a page."""
    return re.findall(r"```graphql\n# ([^\n]+)\n(.*?)```", page.read_text(), re.DOTALL)


@dataclass
class Reader:
    """Someone who follows a page: its account, and what the responses contained."""

    shop: Shop
    admin: Person
    email: str
    token: str = ""
    refresh_token: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    async def send(self, who: str, document: str) -> Response:
        document = document.replace("john@example.com", self.email)
        document = document.replace("jane@example.com", f"jane.{self.email}")
        document = document.replace('guestToken: "..."', f'guestToken: "{self.token}"')
        for prefix, value in self.ids.items():
            document = document.replace(f"{prefix}_...", value)
        document = document.replace('refreshToken: "..."', f'refreshToken: "{self.refresh_token}"')
        sender = (
            self.admin.token
            if who.startswith("as ADMIN")
            else self.token
            if who.startswith("as the account")
            else ""
        )
        response = await self.shop.execute(document, sender)
        self._learn(response.data)
        return response

    def _learn(self, data: Any) -> None:
        match data:
            case dict():
                for name, value in data.items():
                    self._learn_field(name, value)
            case list():
                for value in data:
                    self._learn(value)
            case _:
                pass

    def _learn_field(self, name: str, value: Any) -> None:
        match name, value:
            case "id", str():
                self.ids[value.partition("_")[0]] = value
            case "accessToken", str():
                self.token = value
            case "refreshToken", str():
                self.refresh_token = value
            case _:
                self._learn(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_queries_of_a_page_run(stack: StackUnderTest, page: Path) -> None:
    async with stack.shop() as shop:
        reader = Reader(shop, await shop.admin(), f"john.{secrets.token_hex(4)}@example.com")
        for who, document in queries(page):
            if who in NOT_RUN or document.startswith("subscription"):
                continue
            if "when the order is CONFIRMED" in who:
                await _confirmed(shop, reader)
            response = await reader.send(who, document)
            assert not response.errors, f"{page.name}: {document}: {response.errors}"


async def _confirmed(shop: Shop, reader: Reader) -> None:
    async def confirmed() -> bool:
        document = "query Order($id: ID!) { order(id: $id) { status } }"
        response = await shop.execute(document, reader.admin.token, id=reader.ids["ord"])
        return bool(response.get("order")["status"] == "CONFIRMED")

    await within(20, confirmed, "the order confirmed")
