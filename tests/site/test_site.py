"""The documentation site as built: no dead links, nothing from the network, searchable, complete."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import pytest

SITE = Path("docs/site/site.zip")


class Page(HTMLParser):
    """The anchors of a page, its links and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in ("script", "img", "link", "iframe"):
            self.loads += [values[name] for name in ("src", "href") if name in values]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    with ZipFile(SITE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> dict[str, Page]:
    return {
        name: Page(text.decode())
        for name, text in files.items()
        if name.endswith(".html") and name != "404.html"
    }


def target(page: str, link: str) -> tuple[str, str]:
    """The file and the anchor that a link of a page leads to."""
    parts = urlsplit(link)
    path = PurePosixPath(page).parent / parts.path if parts.path else PurePosixPath(page)
    resolved: list[str] = []
    for part in path.parts:
        resolved = resolved[:-1] if part == ".." else [*resolved, part]
    return "/".join(resolved), unquote(parts.fragment)


def test_every_link_leads_to_a_page_and_an_anchor(files: dict[str, bytes], pages: dict[str, Page]) -> None:
    dead = []
    for name, page in pages.items():
        for link in page.links:
            if not urlsplit(link).scheme:
                path, anchor = target(name, link)
                if path not in files or (anchor and path in pages and anchor not in pages[path].anchors):
                    dead.append(f"{name}: {link}")
    assert len(pages) > 60
    assert not dead


def test_nothing_is_loaded_from_the_network(files: dict[str, bytes], pages: dict[str, Page]) -> None:
    outside = {load for page in pages.values() for load in page.loads if urlsplit(load).netloc}
    missing = {
        load
        for name, page in pages.items()
        for load in page.loads
        if not urlsplit(load).scheme and target(name, load)[0] not in files
    }
    styles = [text.decode() for name, text in files.items() if name.endswith(".css")]
    assert not outside
    assert not missing
    assert not [url for text in styles for url in re.findall(r"url\(['\"]?(?:https?:)?//[^)]*\)", text)]


@pytest.mark.parametrize(
    "text", ["idempotencyKey", "CANCELLED", "INSUFFICIENT_STOCK", "OrderPlaced", "kubectl", "KafkaUser"]
)
def test_search_knows_guides_schema_errors_events_and_decisions(files: dict[str, bytes], text: str) -> None:
    entries = json.loads(files["search/search_index.json"])["docs"]
    assert [entry["location"] for entry in entries if text in entry["title"] + entry["text"]]


def test_the_search_ranks_the_guide_before_operations_and_decisions_last(files: dict[str, bytes]) -> None:
    entries = json.loads(files["search/search_index.json"])["docs"]

    def boosts(folder: str) -> set[float]:
        return {entry.get("boost", 1) for entry in entries if entry["location"].rpartition("/")[0] == folder}

    in_a_title = 1000
    assert min(boosts("guide")) > max(boosts("operations")) > max(boosts("services") | boosts("reference"))
    assert min(boosts("guide")) > in_a_title * max(boosts("decisions") | boosts("operations/incidents"))


def test_the_reference_has_every_type_and_field(files: dict[str, bytes], pages: dict[str, Page]) -> None:
    reference = "".join(files[name].decode() for name in pages if name.startswith("reference/"))
    for name in (
        "createOrder",
        "orderUpdated",
        "CreateOrderInput",
        "expectedTotal",
        "PARTIALLY_REFUNDED",
        "CountryCode",
    ):
        assert f">{name}<" in reference, name


def test_pages_of_the_navigation_are_all_pages(pages: dict[str, Page]) -> None:
    linked = {
        target("index.html", link)[0] for link in pages["index.html"].links if not urlsplit(link).scheme
    }
    assert set(pages) <= linked
