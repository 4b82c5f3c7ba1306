"""Previews of every mail: complete, served, and legible at any width (screenshots are kept as the test's outputs)."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from kit.auth import DEVELOPMENT_SEALING_KEY
from kit.settings import load
from kit.testing import FakeClock
from kit.web import Readiness, build_app
from notification.app import build
from notification.mail.preview import mails, preview_routes
from notification.mail.tests.fakes import RENDERER, SEALER
from notification.notifications.domain import Template
from notification.settings import Settings

CLOCK = FakeClock()
OUTPUTS = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp())
MAILS = mails(RENDERER, SEALER, lambda: CLOCK.now)
# Of the texts, not of the cells.
AMOUNT_HEIGHTS = """[...document.querySelectorAll('td[align=right]')].map((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getBoundingClientRect().height;
})"""


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app: Any = build_app(preview_routes(RENDERER, SEALER, lambda: CLOCK.now), Readiness([]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://souk.test") as http:
        yield http


def test_every_template_has_a_preview() -> None:
    assert {name.partition("-")[0] for name in MAILS} == set(Template)


def test_every_cancellation_states_its_reason() -> None:
    texts = [mail.text for name, mail in MAILS.items() if name.startswith("order_cancelled")]
    # Six reasons, and the four failure codes of a payment.
    assert len(texts) == 10
    assert len(set(texts)) == 10


async def test_the_list_links_to_every_mail(http: httpx.AsyncClient) -> None:
    page = (await http.get("/preview")).text
    for name, mail in MAILS.items():
        assert f'href="/preview/{name}"' in page
        html, text = await http.get(f"/preview/{name}"), await http.get(f"/preview/{name}/text")
        assert (html.text, text.text) == (mail.html, mail.text)
        assert html.headers["content-type"].startswith("text/html")
        assert text.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("width", [360, 1200])
async def test_the_list_is_legible_on_a_phone_and_a_desktop(http: httpx.AsyncClient, width: int) -> None:
    text = (await http.get("/preview")).text
    async with opened(width) as page:
        await page.set_content(text)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        size = "parseFloat(getComputedStyle(document.querySelector('li a')).fontSize)"
        assert await page.evaluate(size) >= 16
        heights = "[...document.querySelectorAll('li a')].map((a) => a.getBoundingClientRect().height)"
        # A finger needs a target of 44 px.
        assert min(await page.evaluate(heights)) >= 44
        await page.screenshot(path=OUTPUTS / f"list-{width}.png", full_page=True)


async def test_an_unknown_mail_is_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.get("/preview/nothing")).status_code == 404


def test_previews_are_served_in_development_only() -> None:
    assert len(build(load(Settings, {"PROFILE": "development"})).routes) == 3
    production = {
        "PROFILE": "production",
        "DATABASE_URL": "postgresql://127.0.0.1/notification",
        "KAFKA_BOOTSTRAP": "127.0.0.1:9092",
        "JWKS_URL": "http://127.0.0.1:8001/jwks.json",
        "SMTP_HOST": "127.0.0.1",
        "MAIL_FROM": "Souk <orders@example.com>",
        "SHOP_URL": "https://shop.example",
        "MAIL_SEALING_KEY": DEVELOPMENT_SEALING_KEY,
    }
    assert build(load(Settings, production)).routes == []


@pytest.mark.parametrize("width", [360, 720, 1200])
async def test_a_mail_fits_a_phone_and_a_desktop(width: int) -> None:
    async with opened(width) as page:
        for name, mail in MAILS.items():
            await page.set_content(mail.html)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert mail.subject in await page.inner_text("body")
            assert max(await page.evaluate(AMOUNT_HEIGHTS), default=0) < 30, (
                f"{name}: an amount is on two lines"
            )
            picture = await page.screenshot(path=OUTPUTS / f"{name}-{width}.png", full_page=True)
            assert len(picture) > 5_000, name


@asynccontextmanager
async def opened(width: int) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield await browser.new_page(viewport={"width": width, "height": 800})
        await browser.close()
