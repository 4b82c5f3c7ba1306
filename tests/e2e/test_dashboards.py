"""The dashboards in a headless browser after a journey, on a stack with Prometheus; screenshots are kept as the test's outputs."""

import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from dev.components import prometheus, runfile
from dev.dashboards.server import DASHBOARDS, Dashboards
from kit.testing import free_port
from tests.e2e.browser import browser
from tests.e2e.responses import within
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
UIDS = [path.stem for path in sorted(DASHBOARDS.glob("*.json"))]
_PATIENCE_MS = 30_000
_SCRAPE_SECONDS = 1


@dataclass(frozen=True)
class Watched:
    """A stack that Prometheus scrapes, and the folder of the dashboards that its page shows."""

    stack: StackUnderTest
    folder: Path
    url: str


@pytest.fixture(scope="module")
def watched(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    ports = replace(stack.ports, prometheus=free_port(), dashboards=free_port())
    folder = tmp_path_factory.mktemp("dashboards")
    for file in DASHBOARDS.glob("*.json"):
        (folder / file.name).write_text(file.read_text())
    page = runfile("souk/dev/dashboards/page.js")
    assert page
    program = prometheus(ports, tmp_path_factory.mktemp("state"), scrape_seconds=_SCRAPE_SECONDS)
    program.start()
    try:
        with Dashboards(
            ports.dashboards,
            ports.prometheus,
            page.parent,
            scrape_seconds=_SCRAPE_SECONDS,
            dashboards=folder,
        ):
            yield Watched(stack, folder, f"http://127.0.0.1:{ports.dashboards}")
    finally:
        program.stop()


@pytest.fixture(scope="module")
async def journey(watched: Watched) -> None:
    """A buyer who finds, orders and pays; another whose card is declined; an order without stock; all of it scraped twice."""
    # Prometheus looks for targets some seconds after its start.
    await scraped(watched, "sum(up) == 6")
    async with watched.stack.shop() as shop:
        admin, buyer = await shop.admin(), await shop.register()
        product = await admin.create_product(stock=10)
        await shop.search("thing")
        order = await buyer.buy((product, 2))
        declined = await buyer.buy(product, card="pm_card_chargeDeclined")
        await buyer.try_to_buy((product, 100))
        confirmed = await buyer.wait_for_status(order["id"], "CONFIRMED")
        await buyer.wait_for_status(declined["id"], "CANCELLED")
        await admin.refund(confirmed["payment"]["id"])
        await buyer.wait_for_mail("confirmed", order["id"])
        await buyer.wait_for_mail("cancelled", declined["id"])
        (await buyer.execute("{ me { notifications(first: 1) { nodes { id } } } }")).get("me")
    await scraped(watched, "count(count_over_time(souk_notification_mails_total[1m]) > 2) > 3")


async def scraped(watched: Watched, expression: str) -> None:
    """Waits until a query has a result."""
    async with httpx.AsyncClient(base_url=watched.url) as client:

        async def has_result() -> bool:
            result = (await client.get("/api/v1/query", params={"query": expression})).json()
            return bool(result.get("data", {}).get("result"))

        await within(30, has_result, expression)


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        await started.close()


@asynccontextmanager
async def opened(chromium: Browser, watched: Watched, path: str) -> AsyncIterator[Page]:
    """A page whose panels have been loaded; fails if it had a script error, broke its policy or requested anything from elsewhere."""
    errors: list[str] = []
    across, down = WIDTHS["desk"]
    page = await chromium.new_page(viewport={"width": across, "height": down}, color_scheme="light")
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if "Content Security" in message.text else None,
    )
    page.on(
        "request",
        lambda request: (
            errors.append(request.url) if not request.url.startswith((watched.url, "data:")) else None
        ),
    )
    await page.goto(watched.url + path)
    await expect(page.locator("body")).to_have_attribute("data-loaded", "1", timeout=_PATIENCE_MS)
    yield page
    await page.close()
    assert errors == []


async def keep(page: Page, name: str) -> None:
    folder = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.gettempdir())
    await page.screenshot(path=folder / f"dashboard-{name}.png", full_page=True)


@pytest.mark.parametrize("uid", UIDS)
async def test_every_panel_has_data_after_a_journey(
    chromium: Browser, watched: Watched, journey: None, uid: str
) -> None:
    panels = json.loads((DASHBOARDS / f"{uid}.json").read_text())["panels"]
    async with opened(chromium, watched, f"/d/{uid}?from=now-5m") as page:
        for name, (across, down) in WIDTHS.items():
            await page.set_viewport_size({"width": across, "height": down})
            await keep(page, f"{uid}-{name}")
            # A reader would have to scroll sideways.
            overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, name
        assert await page.locator(".panel").count() == len(panels)
        others = await page.locator(".panel:not([data-state=shown])").all_inner_texts()
    assert others == []


async def test_what_the_page_does_not_know_is_an_error(
    chromium: Browser, watched: Watched, journey: None
) -> None:
    def panel(number: int, **fields: Any) -> dict[str, Any]:
        place = {"h": 6, "w": 8, "x": 8 * (number % 3), "y": 6 * (number // 3)}
        return {"id": number, "type": "timeseries", "title": str(number), "gridPos": place, **fields}

    def query(expression: str, **fields: Any) -> dict[str, Any]:
        return {"targets": [{"refId": "A", "expr": expression, **fields}]}

    panels = [
        panel(0, type="candlestick"),
        panel(1, **query("up{")),
        panel(2, **query("rate(up[$unknown])")),
        panel(3, datasource={"type": "jaeger", "uid": "jaeger"}, **query("up")),
        panel(4, **query("no_such_metric")),
        panel(5, **query('up{job="$job"}', legendFormat="replica of {{job}}")),
        panel(6, type="stat", **query("sum(up)", legendFormat="up", instant=True)),
    ]
    variable = {"type": "query", "name": "job", "label": "Service", "query": "label_values(up, job)"}
    dashboard = {
        "uid": "made-up",
        "title": "Made up",
        "refresh": "5s",
        "time": {"from": "now-5m", "to": "now"},
        "templating": {"list": [variable]},
        "panels": panels,
    }
    (watched.folder / "made-up.json").write_text(json.dumps(dashboard))
    async with opened(chromium, watched, "/d/made-up?var-job=order") as page:
        texts = await page.locator(".panel").all_inner_texts()
        await keep(page, "made-up")
        assert 'cannot show panels of type "candlestick"' in texts[0]
        assert "parse error" in texts[1]
        assert "unknown variable $unknown" in texts[2]
        assert 'cannot query "jaeger"' in texts[3]
        assert "No data" in texts[4]
        assert "replica of order" in texts[5]
        assert texts[6].split() == ["6", "6", "up"]

        await page.get_by_label("Service").select_option("payment")
        await expect(page.locator(".panel").nth(5)).to_contain_text("replica of payment")
        assert "var-job=payment" in page.url
        # The interval that the file names.
        await expect(page.locator("body")).to_have_attribute("data-loaded", "4", timeout=_PATIENCE_MS)


async def test_a_dashboard_that_is_not_there_is_an_error(chromium: Browser, watched: Watched) -> None:
    page = await chromium.new_page()
    await page.goto(f"{watched.url}/d/none")
    await expect(page.get_by_role("alert")).to_have_text("/dashboards/none.json: there is no dashboard none")
    await page.close()


async def test_the_first_orders_count(chromium: Browser, watched: Watched, journey: None) -> None:
    async with opened(chromium, watched, "/d/souk-business?from=now-5m") as page:
        numbers = page.locator(".panel.stat").filter(has_text="Orders, last hour").locator("output")
        assert [float(text) > 0 for text in await numbers.all_inner_texts()] == [True, True]
        stockouts = page.locator(".panel.stat").filter(has_text="Stock-outs").locator("output")
        assert float(await stockouts.inner_text()) > 0
