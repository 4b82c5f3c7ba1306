"""The start page in a headless browser, on a phone's and a desk's screen: parts, logins, links, and what it shows when a part is down."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from dev.ports import SERVICES
from tests.e2e.stack import StackUnderTest, stack
from tests.e2e.storefront import DESK, PHONE, Buyer, buyer

__all__ = ["stack"]
_PATIENCE_MS = 30_000


@asynccontextmanager
async def developer(stack: StackUnderTest, size: dict[str, int] = DESK) -> AsyncIterator[Buyer]:
    """A browser with the start page; fails if it had a script error, broke its policy, or was not accessible."""
    async with buyer(stack, size) as person:
        person.shop = stack.gateway
        await person.open()
        yield person


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desk", DESK)])
async def test_every_part_is_shown_with_its_state(
    stack: StackUnderTest, name: str, size: dict[str, int]
) -> None:
    async with developer(stack, size) as person:
        await expect(person.page.locator("#summary")).to_have_text(
            re.compile(r"All \d+ parts run, in \d+ MiB"), timeout=_PATIENCE_MS
        )
        for component in (*SERVICES, "postgresql", "redis", "kafka", "elasticsearch", "stripe", "mail"):
            row = person.page.locator(f"tr[data-part={component}]")
            await expect(row.locator(".state")).to_have_text("ready")
            await expect(row).to_contain_text(re.compile(r"127\.0\.0\.1:\d+.*\d+ MiB"))
        await expect(person.page.locator("tr[data-part=order] .line")).not_to_have_text("-")
        await person.looks(f"start-page-{name}")
        width = await person.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]


async def test_a_click_copies_a_login(stack: StackUnderTest) -> None:
    async with developer(stack) as person:
        await person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await person.clicks("Copy the password of ADMIN")
        assert await person.page.evaluate("navigator.clipboard.readText()") == "AdminPass123!"


async def test_a_part_that_was_stopped_is_named(stack: StackUnderTest) -> None:
    async with developer(stack) as person:
        stack.kill("notification")
        try:
            await expect(person.page.locator("#summary")).to_have_text(
                "notification is stopped", timeout=_PATIENCE_MS
            )
            await person.looks("start-page-stopped")
        finally:
            stack.start("notification")
        row = person.page.locator("tr[data-part=notification]")
        await expect(row.locator("[data-label=Restarts]")).to_have_text("1", timeout=_PATIENCE_MS)


async def test_without_the_gateway_the_page_says_where_else_it_is(stack: StackUnderTest) -> None:
    async with developer(stack) as person:
        await expect(person.page.locator("tr[data-part=gateway]")).to_be_visible(timeout=_PATIENCE_MS)
        stack.stop("gateway")
        try:
            other = f"http://127.0.0.1:{stack.ports.start_page}/"
            await expect(person.page.locator("#summary")).to_contain_text(
                f"does not respond. This page is also at {other}", timeout=_PATIENCE_MS
            )
            await person.page.goto(other)
            await expect(person.page.locator("#summary")).to_have_text(
                "gateway is stopped", timeout=_PATIENCE_MS
            )
        finally:
            stack.start("gateway")
