"""The playground in a headless browser: types a query and sees the response; screenshots are kept as the test's outputs."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.browser import browser
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]


@dataclass
class Playground:
    """The page in a browser, with the URLs that it requested and its script errors."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def run(self, document: str) -> None:
        """Replaces the document in the editor and executes it."""
        editor = self.page.locator(".graphiql-query-editor, .graphiql-editor").first
        await editor.wait_for(timeout=30_000)
        await editor.click()
        await self.page.keyboard.press("Control+a")
        # Inserted at once, because GraphiQL adds closing brackets to typed text.
        await self.page.keyboard.insert_text(document)
        await self.page.keyboard.press("Control+Enter")

    async def wait_for_text(self, text: str) -> None:
        """Waits until the response has the text."""
        response = self.page.locator(".result-window, .graphiql-response")
        await expect(response.first).to_contain_text(text, timeout=20_000)

    async def screenshot(self, name: str) -> Path:
        """Saves a screenshot to the test's outputs."""
        folder = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp())
        await self.page.screenshot(path=folder / name)
        return folder / name


@asynccontextmanager
async def opened(stack: StackUnderTest, *, width: int = 1400, height: int = 900) -> AsyncIterator[Playground]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await chromium.new_page(viewport={"width": width, "height": height})
        playground = Playground(page)
        page.on("request", lambda request: playground.requests.append(request.url))
        page.on("pageerror", lambda error: playground.errors.append(str(error)))
        await page.goto(f"{stack.gateway}/playground")
        yield playground
        await chromium.close()
    assert not playground.errors


async def test_the_playground_runs_a_typed_query(stack: StackUnderTest) -> None:
    async with opened(stack) as playground:
        await playground.run("{ products(first: 3) { nodes { name price } } }")
        await playground.wait_for_text('"price"')
        image = await playground.screenshot("playground.png")

    # No CDN: everything is served by the gateway.
    outside = [url for url in playground.requests if not url.startswith((stack.gateway, "data:", "blob:"))]
    assert outside == []
    assert image.stat().st_size > 10_000


async def test_the_playground_fills_the_window(stack: StackUnderTest) -> None:
    async with opened(stack) as playground:
        container = playground.page.locator(".graphiql-container")
        await container.wait_for(timeout=30_000)
        box = await container.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (1400, 900)


@pytest.mark.parametrize("width", [1100, 1400])
async def test_the_welcome_is_not_cut_off(stack: StackUnderTest, width: int) -> None:
    async with opened(stack, width=width) as playground:
        lines = playground.page.locator(".graphiql-query-editor .CodeMirror-line > span")
        await expect(lines.first).to_contain_text("Welcome to Souk", timeout=30_000)
        right = "lines => Math.max(...lines.map((line) => line.getBoundingClientRect().right))"
        buttons = await playground.page.locator(".graphiql-toolbar").bounding_box()
        assert buttons
        assert await lines.evaluate_all(right) <= buttons["x"]


@pytest.mark.parametrize(("name", "email"), [("ADMIN", "admin@souk.test"), ("John", "john@souk.test")])
async def test_a_click_logs_in_and_sets_the_header(stack: StackUnderTest, name: str, email: str) -> None:
    async with opened(stack) as playground:
        await playground.page.get_by_role("button", name=f"Sign in as {name}").click(timeout=30_000)
        await expect(playground.page.get_by_text(f"Signed in as {name}")).to_be_visible(timeout=20_000)
        await playground.run("{ me { email } }")
        await playground.wait_for_text(email)
        headers = playground.page.locator(".graphiql-editor-tool, .graphiql-editor-tools + section").first
        await expect(headers).to_contain_text("Bearer", timeout=10_000)
        await playground.screenshot(f"playground-{name}.png")

        await playground.page.get_by_role("button", name="Sign out").click()
        await playground.run("{ me { id } }")
        await playground.wait_for_text('"me": null')


async def test_the_home_page_links_to_the_playground(stack: StackUnderTest) -> None:
    async with opened(stack) as playground:
        await playground.page.goto(stack.gateway)
        await playground.screenshot("home.png")
        await playground.page.get_by_role("link", name="/playground").click()
        await playground.page.locator(".graphiql-container").wait_for(timeout=30_000)
