"""Pictures of the documents, from the running stack with its seeded catalogue: `make pictures`."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright, expect

from dev.ports import Ports

# A typing error that the search forgives, and fields that need no sign-in.
DOCUMENT: Final = """\
# A typing error is no problem
query {
  products(query: "desk lmap", first: 4) {
    nodes {
      name
      price
      currency
      available
    }
  }
}
"""
_PICTURES: Final = Path("docs", "pictures")
_OPTIONS: Final = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


async def main() -> None:
    """Makes every picture again."""
    ports = Ports.read(os.environ)
    folder = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")) / _PICTURES
    async with _opened(ports.gateway, "/playground") as page:
        await _run(page, DOCUMENT)
        await page.screenshot(
            path=folder / "playground.png", style=".CodeMirror-cursors { visibility: hidden }"
        )
    async with _opened(ports.storefront, "/?q=shoes") as page:
        await expect(page.locator(".card img").first).to_be_visible()
        await page.screenshot(path=folder / "storefront.png")
    async with _opened(ports.gateway, "/") as page:
        await expect(page.locator("#summary")).to_contain_text("parts run")
        await page.screenshot(path=folder / "start-page.png")
    print(f"made playground.png, storefront.png and start-page.png in {_PICTURES}")


@asynccontextmanager
async def _opened(port: int, path: str) -> AsyncIterator[Page]:
    """A page in a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_OPTIONS)
        page = await browser.new_page(viewport={"width": 1280, "height": 640}, color_scheme="light")
        await page.goto(f"http://127.0.0.1:{port}{path}")
        yield page
        await browser.close()


async def _run(page: Page, document: str) -> None:
    """Executes the document in GraphiQL and waits for the response."""
    await page.locator(".graphiql-query-editor").click()
    await page.keyboard.press("Control+a")
    # Inserted at once, because GraphiQL adds closing brackets to typed text.
    await page.keyboard.insert_text(document)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".result-window")).to_contain_text('"available"')


if __name__ == "__main__":
    asyncio.run(main())
