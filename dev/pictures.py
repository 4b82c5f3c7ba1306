"""Pictures of the documents, from the running stack with its seeded catalogue: `make pictures`."""

import asyncio
import json
import os
import secrets
import shutil
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, async_playwright, expect

from dev.ports import Ports
from dev.seed import LOGINS

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
_LOGIN: Final = """
mutation($email: String!, $password: String!) {
  login(input: {email: $email, password: $password}) { accessToken account { id } }
}
"""
_PRODUCT: Final = '{ products(query: "desk lamp", first: 1) { nodes { id } } }'
_ORDER: Final = "mutation($input: CreateOrderInput!) { createOrder(input: $input) { id } }"
# The mails of an order: received and confirmed.
_MAILS: Final = 2
_TRIES: Final = 30
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
    await show_request(ports, folder)
    # The business of the last quarter of an hour, with the order of the picture before.
    async with _opened(ports.dashboards, "/d/souk-business?from=now-15m") as page:
        await expect(page.locator("body")).to_have_attribute("data-loaded", "1")
        await page.screenshot(path=folder / "dashboard.png")
    print(f"made playground.png, storefront.png, request.png and dashboard.png in {_PICTURES}")


async def show_request(ports: Ports, folder: Path) -> None:
    """The start page with everything of an order, once its mails are sent."""
    correlation = f"picture-{secrets.token_hex(4)}"
    await asyncio.to_thread(_place_order, f"http://127.0.0.1:{ports.gateway}/graphql", correlation)
    async with _opened(ports.gateway, f"/?id={correlation}") as page:
        for _ in range(_TRIES):
            await expect(page.locator("#found-summary")).not_to_be_empty()
            if await page.locator("#waterfall [data-name='smtp send']").count() >= _MAILS:
                break
            await page.reload()
        await page.screenshot(path=folder / "request.png")


def _place_order(url: str, correlation: str) -> None:
    """Orders a product as the seeded login, under a correlation id."""
    _, email, _, password = LOGINS[1]
    session = _execute(url, _LOGIN, {"email": email, "password": password})["login"]
    product = _execute(url, _PRODUCT, {})["products"]["nodes"][0]["id"]
    order = {"accountId": session["account"]["id"], "products": [{"id": product, "quantity": 1}]}
    headers = {"Authorization": f"Bearer {session['accessToken']}", "X-Request-ID": correlation}
    _execute(url, _ORDER, {"input": order}, headers)


def _execute(
    url: str, document: str, variables: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Any:
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=30) as response:
        result = json.load(response)
    if "errors" in result:
        raise RuntimeError(f"the gateway rejected the request: {result['errors']}")
    return result["data"]


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
