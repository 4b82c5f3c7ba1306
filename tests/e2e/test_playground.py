"""The playground in a headless browser: types a query, sees the answer; the screenshot stays with the test's outputs."""

import os
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.e2e.ground import Ground, ground

__all__ = ["ground"]


def browser() -> str:
    """Debian's or Nix's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or "/usr/bin/chromium"


async def test_the_playground_answers_a_typed_query(ground: Ground) -> None:
    outside: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await chromium.new_page(viewport={"width": 1280, "height": 800})
        page.on("request", lambda request: outside.append(request.url))
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{ground.gateway}/playground")
        editor = page.locator(".graphiql-query-editor, .graphiql-editor").first
        await editor.wait_for(timeout=30_000)
        await editor.click()
        await page.keyboard.press("Control+a")
        # GraphiQL closes brackets itself; inserting the text at once leaves it as it is.
        await page.keyboard.insert_text("{ products(first: 3) { nodes { name price } } }")
        await page.keyboard.press("Control+Enter")
        answer = page.locator(".result-window, .graphiql-response")
        await expect(answer.first).to_contain_text('"price"', timeout=20_000)
        folder = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp())
        await page.screenshot(path=folder / "playground.png")
        await chromium.close()

    assert not errors
    # No CDN: everything came from our own image.
    assert [url for url in outside if not url.startswith((ground.gateway, "data:", "blob:"))] == []
    assert (folder / "playground.png").stat().st_size > 10_000
