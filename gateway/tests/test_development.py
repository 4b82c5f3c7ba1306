"""Pages for developers: what stands at /, behind the links of mails, and what the playground offers to sign in with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.tests.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, HOME_LINKS="Playground=/playground,Mails=http://127.0.0.1:1&x=<b>") as world:
        yield world


async def test_the_home_page_has_links_and_logins(world: World) -> None:
    page = await world.http.get("/")
    assert page.status_code == 200
    assert '<a href="/playground">/playground</a>' in page.text
    assert '<a href="http://127.0.0.1:1&amp;x=&lt;b&gt;">' in page.text
    assert "<code>admin@souk.test / AdminPass123!</code>" in page.text


async def test_the_playground_offers_the_development_logins(world: World) -> None:
    offered = (await world.http.get("/playground/logins.json")).json()
    assert offered == [
        {"name": "ADMIN", "email": "admin@souk.test", "password": "AdminPass123!"},
        {"name": "John", "email": "john@souk.test", "password": "UserPass123!"},
    ]


async def test_there_are_no_logins_where_none_are_set(tmp_path: Path) -> None:
    async with opened(tmp_path, PLAYGROUND_LOGINS="none") as world:
        assert (await world.http.get("/playground/logins.json")).json() == []


@pytest.mark.parametrize("path", ["/orders/ord_1", "/reset-password?token=x", "/verify-email"])
async def test_links_in_emails_lead_to_a_placeholder_page(world: World, path: str) -> None:
    page = await world.http.get(path)
    assert page.status_code == 200
    assert "SHOP_URL" in page.text
    # The call is wider than a phone.
    assert "pre{white-space:pre-wrap}" in page.text


@pytest.mark.parametrize("path", ["/", "/playground", "/orders/ord_1", "/livez", "/metrics", "/nowhere"])
async def test_a_content_type_has_at_most_one_charset(world: World, path: str) -> None:
    content_type = (await world.http.get(path)).headers["content-type"]
    assert content_type.count("charset") <= 1
    assert content_type.count(";") == len(set(content_type.split(";"))) - 1
