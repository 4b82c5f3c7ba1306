"""The playground in a headless browser: types a query, sees the answer; the screenshot stays with the test's outputs."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.ground import Ground, ground

__all__ = ["ground"]


def browser() -> str:
    """Debian's or Nix's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or "/usr/bin/chromium"


@dataclass
class Playground:
    """The page in a browser, with what it asked for and the errors of its scripts."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def run(self, document: str) -> None:
        """Types a document in place of the present one and executes it."""
        editor = self.page.locator(".graphiql-query-editor, .graphiql-editor").first
        await editor.wait_for(timeout=30_000)
        await editor.click()
        await self.page.keyboard.press("Control+a")
        # GraphiQL closes brackets itself; inserting the text at once leaves it as it is.
        await self.page.keyboard.insert_text(document)
        await self.page.keyboard.press("Control+Enter")

    async def shows(self, text: str) -> None:
        """Waits until the response has the text."""
        response = self.page.locator(".result-window, .graphiql-response")
        await expect(response.first).to_contain_text(text, timeout=20_000)

    async def picture(self, name: str) -> Path:
        """A screenshot among the test's outputs."""
        folder = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp())
        await self.page.screenshot(path=folder / name)
        return folder / name


@asynccontextmanager
async def opened(ground: Ground, *, width: int = 1400, height: int = 900) -> AsyncIterator[Playground]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await chromium.new_page(viewport={"width": width, "height": height})
        found = Playground(page)
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        await page.goto(f"{ground.gateway}/playground")
        yield found
        await chromium.close()
    assert not found.errors


async def test_the_playground_answers_a_typed_query(ground: Ground) -> None:
    async with opened(ground) as playground:
        await playground.run("{ products(first: 3) { nodes { name price } } }")
        await playground.shows('"price"')
        picture = await playground.picture("playground.png")

    # No CDN: everything came from our own image.
    outside = [url for url in playground.requests if not url.startswith((ground.gateway, "data:", "blob:"))]
    assert outside == []
    assert picture.stat().st_size > 10_000


async def test_the_playground_fills_the_window(ground: Ground) -> None:
    async with opened(ground) as playground:
        container = playground.page.locator(".graphiql-container")
        await container.wait_for(timeout=30_000)
        box = await container.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (1400, 900)


@pytest.mark.parametrize(("name", "email"), [("ADMIN", "admin@souk.test"), ("John", "john@souk.test")])
async def test_a_click_signs_in_and_sets_the_header(ground: Ground, name: str, email: str) -> None:
    async with opened(ground) as playground:
        await playground.page.get_by_role("button", name=f"Sign in as {name}").click(timeout=30_000)
        await expect(playground.page.get_by_text(f"Signed in as {name}")).to_be_visible(timeout=20_000)
        await playground.run("{ me { email } }")
        await playground.shows(email)
        headers = playground.page.locator(".graphiql-editor-tool, .graphiql-editor-tools + section").first
        await expect(headers).to_contain_text("Bearer", timeout=10_000)
        await playground.picture(f"playground-{name}.png")

        await playground.page.get_by_role("button", name="Sign out").click()
        await playground.run("{ me { id } }")
        await playground.shows('"me": null')


async def test_the_first_page_leads_to_the_playground(ground: Ground) -> None:
    async with opened(ground) as playground:
        await playground.page.goto(ground.gateway)
        await playground.picture("home.png")
        await playground.page.get_by_role("link", name="/playground").click()
        await playground.page.locator(".graphiql-container").wait_for(timeout=30_000)
