"""The card form and the bank's page in Chromium, embedded in a shop's page as a storefront does: pass, fail, close, decline, two tabs."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, FrameLocator, Page, async_playwright, expect

from dev.stripe_mock.tests.mock_client import BANK_ASKS, DECLINED, GOOD, Mock, mock
from kit.testing import eventually

__all__ = ["mock"]

# What a storefront does: embeds the form and listens to its messages.
SHOP = """<iframe id="form" src="URL" style="width: 30rem; height: 40rem"></iframe>
<script>
  const messages = [];
  addEventListener("message", (event) => {
    if (event.origin === "ORIGIN" && event.data.source === "stripe-mock") messages.push(event.data.status);
  });
</script>"""


@pytest.fixture
async def browser() -> AsyncIterator[BrowserContext]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield await chromium.new_context()
        await chromium.close()


async def shop(browser: BrowserContext, mock: Mock, intent: dict[str, Any]) -> tuple[Page, FrameLocator]:
    """A shop's page, and the form in it."""
    page = await browser.new_page()
    await page.set_content(SHOP.replace("URL", mock.form_url(intent)).replace("ORIGIN", mock.url))
    return page, page.frame_locator("#form")


async def pay(form: FrameLocator, number: str) -> None:
    await form.get_by_label("Card number").fill(number)
    await form.get_by_role("button", name="Pay").click()


async def last_message(page: Page) -> Any:
    return await page.evaluate("messages.at(-1)")


async def test_a_card_is_charged_and_the_shop_learns_it(browser: BrowserContext, mock: Mock) -> None:
    intent = mock.intent()
    page, form = await shop(browser, mock, intent)
    await pay(form, GOOD)
    await expect(form.get_by_role("status")).to_have_text("succeeded")
    assert await last_message(page) == "succeeded"
    assert mock.status(intent) == "succeeded"
    await expect(form.get_by_role("button", name="Pay")).to_be_hidden()


async def test_a_declined_card_is_followed_by_another(browser: BrowserContext, mock: Mock) -> None:
    intent = mock.intent()
    page, form = await shop(browser, mock, intent)
    await pay(form, DECLINED)
    await expect(form.get_by_role("status")).to_contain_text("generic_decline")
    assert await last_message(page) == "requires_payment_method"
    await pay(form, GOOD)
    await expect(form.get_by_role("status")).to_have_text("succeeded")
    assert mock.status(intent) == "succeeded"


@pytest.mark.parametrize(
    ("answer", "status"), [("Allow", "succeeded"), ("Reject", "requires_payment_method")]
)
async def test_the_bank_asks_inside_the_form(
    browser: BrowserContext, mock: Mock, answer: str, status: str
) -> None:
    intent = mock.intent()
    page, form = await shop(browser, mock, intent)
    await pay(form, BANK_ASKS)
    await form.frame_locator("iframe").get_by_role("link", name=answer).click()
    await eventually(lambda: mock.status(intent) == status)
    await page.wait_for_function("status => messages.at(-1) === status", arg=status)
    if answer == "Reject":
        await expect(form.get_by_role("status")).to_contain_text("authentication_required")
        await pay(form, GOOD)
        await expect(form.get_by_role("status")).to_have_text("succeeded")


async def test_a_tab_that_is_closed_at_the_bank_leaves_the_payment_open(
    browser: BrowserContext, mock: Mock
) -> None:
    intent = mock.intent()
    page, form = await shop(browser, mock, intent)
    await pay(form, BANK_ASKS)
    await expect(form.frame_locator("iframe").get_by_role("link", name="Allow")).to_be_visible()
    await page.close()
    assert mock.status(intent) == "requires_action"
    _, again = await shop(browser, mock, intent)
    await again.frame_locator("iframe").get_by_role("link", name="Allow").click()
    await expect(again.get_by_role("status")).to_have_text("succeeded")


async def test_two_tabs_pay_once(browser: BrowserContext, mock: Mock) -> None:
    intent = mock.intent()
    tabs = [await shop(browser, mock, intent) for _ in range(2)]
    for _, form in tabs:
        await expect(form.get_by_role("status")).to_have_text("requires_payment_method")
    await pay(tabs[0][1], GOOD)
    await expect(tabs[0][1].get_by_role("status")).to_have_text("succeeded")
    await pay(tabs[1][1], GOOD)
    await expect(tabs[1][1].get_by_role("status")).to_contain_text("unexpected_state")
    assert mock.status(intent) == "succeeded"


async def test_after_paying_the_page_goes_to_its_return_url(browser: BrowserContext, mock: Mock) -> None:
    intent = mock.intent()
    page = await browser.new_page()
    await page.goto(mock.form_url(intent, return_url=f"{mock.url}/mock/payment_intents"))
    await page.get_by_label("Card number").fill(GOOD)
    await page.get_by_role("button", name="Pay").click()
    await page.wait_for_url("**/mock/payment_intents")


async def test_a_card_is_saved(browser: BrowserContext, mock: Mock) -> None:
    setup = mock.intent("setup_intents")
    _, form = await shop(browser, mock, setup)
    await pay(form, GOOD)
    await expect(form.get_by_role("status")).to_have_text("succeeded")
    assert mock.status(setup) == "succeeded"
