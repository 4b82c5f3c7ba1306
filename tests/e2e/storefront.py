"""A buyer in a headless browser, on a phone's or a desk's screen, and the accessibility check of every page that they see."""

import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.e2e.browser import browser as chromium
from tests.e2e.responses import within
from tests.e2e.stack import StackUnderTest

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
_PATIENCE_MS = 30_000


def _axe() -> str:
    runfiles = Path(os.environ["RUNFILES_DIR"])
    return (runfiles / "npm/storefront/axe.min.js").read_text()


@dataclass
class Buyer:
    """A person at the shop."""

    page: Page
    shop: str
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def open(self, path: str = "/") -> None:
        """Opens a page of the shop."""
        await self.page.goto(f"{self.shop}{path}")

    async def opens_results(self, path: str) -> None:
        """Opens a search, again until it has results: a new product is searchable within a second or two."""

        async def cards() -> bool | None:
            await self.open(path)
            await expect(self.page.get_by_role("status")).not_to_contain_text(
                "Searching", timeout=_PATIENCE_MS
            )
            return await self.page.locator("a.card").count() > 0 or None

        await within(_PATIENCE_MS / 1000, cards, f"results at {path}")

    async def sees(self, heading: str | re.Pattern[str]) -> None:
        """Waits for a page by its heading."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(heading, timeout=_PATIENCE_MS)

    async def clicks(self, name: str | re.Pattern[str], role: Any = "button") -> None:
        """Clicks a button, or what has another role."""
        await self.page.get_by_role(role, name=name).first.click(timeout=_PATIENCE_MS)

    async def fills(self, **fields: str) -> None:
        """Fills text fields by their label, with _ for a space."""
        for label, text in fields.items():
            await self.page.get_by_label(label.replace("_", " "), exact=False).first.fill(text)

    async def looks(self, name: str) -> None:
        """Keeps a screenshot, and the violations that axe-core finds."""
        folder = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.gettempdir())
        await self.page.screenshot(path=folder / f"{name}.png", full_page=True)
        # The page's policy admits no script from elsewhere; the browser's own console may run one.
        await self.page.evaluate(_axe())
        result = await self.page.evaluate("async () => (await axe.run()).violations")
        self.violations += [f"{name}: {one['id']}: {node['html']}" for one in result for node in one["nodes"]]

    async def status(self, text: str) -> None:
        """Waits for the order's status in words."""
        await expect(self.page.get_by_test_id("status")).to_contain_text(text, timeout=_PATIENCE_MS)


@asynccontextmanager
async def buyer(stack: StackUnderTest, size: dict[str, int] = DESK) -> AsyncIterator[Buyer]:
    """A new browser without any state; fails if a page had a script error, broke its policy, or was not accessible."""
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        context: BrowserContext = await browser.new_context(
            viewport={"width": size["width"], "height": size["height"]}, locale="en-GB"
        )
        person = Buyer(await context.new_page(), f"http://127.0.0.1:{stack.ports.storefront}")
        person.page.on("pageerror", lambda error: person.errors.append(str(error)))
        person.page.on(
            "console",
            lambda message: (
                person.errors.append(message.text) if "Content Security" in message.text else None
            ),
        )
        yield person
        await browser.close()
    assert person.errors == []
    assert person.violations == []


async def to_checkout(person: Buyer, email: str, *, name: str = "") -> None:
    """Takes the first product in stock through the cart to a checkout that can be ordered."""
    await person.opens_results("/?available=1&category=tea")
    await person.looks(f"{name}search")
    await person.page.locator("a.card").first.click()
    await expect(person.page.get_by_text("In stock")).to_be_visible()
    await person.looks(f"{name}product")
    await person.clicks("Add to cart")
    await person.clicks("Go to the cart", "link")
    await person.sees("Your cart")
    await person.looks(f"{name}cart")
    await person.clicks("Go to checkout", "link")
    await person.sees("Checkout")
    await person.fills(
        Name="Grace Guest", Email=email, Street="1 High Street", Postal_code="N1 9GU", City="London"
    )
    await person.page.get_by_label("Country").select_option("GB")
    await person.clicks("Continue")
    await expect(person.page.get_by_role("button", name="Change the address")).to_be_visible()
    methods = person.page.get_by_role("radio")
    if await methods.count():
        await methods.first.click()
        await expect(methods.first).to_be_checked(timeout=30_000)
    await expect(person.page.get_by_role("button", name=re.compile("^Order for"))).to_be_enabled(
        timeout=30_000
    )
    await person.looks(f"{name}checkout")


async def to_payment(person: Buyer, email: str, *, name: str = "") -> None:
    """Orders the first product in stock, up to the card form."""
    await to_checkout(person, email, name=name)
    await person.clicks(re.compile("^Order for"))
    await person.sees(re.compile(r"^Order \d+"))
    await expect(person.page.get_by_label("Card number")).to_be_visible(timeout=30_000)


async def pay(person: Buyer, number: str) -> None:
    """Sends a card."""
    await person.fills(Card_number=number, Expiry="12/34", Security_code="123")
    await person.clicks(re.compile("^Pay "))
