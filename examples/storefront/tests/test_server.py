"""The storefront's server: files, pages, pictures and headers."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.storefront.server import Storefront

API, STRIPE = "http://127.0.0.1:8000", "http://127.0.0.1:8010"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    files: Path = tmp_path_factory.mktemp("files")
    for name in ("index.html", "shop.js", "style.css", "server.py"):
        (files / name).write_text(f"content of {name}")
    storefront = Storefront(0, files, API, STRIPE)
    thread = threading.Thread(target=storefront.serve_forever)
    thread.start()
    yield storefront
    storefront.shutdown()
    thread.join()
    storefront.server_close()


def get(server: Storefront, path: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


@pytest.mark.parametrize(
    "path", ["/", "/?q=lamp", "/products/prod_1", "/cart", "/orders/ord_1", "/no/such/page"]
)
def test_every_path_without_a_file_is_a_page(server: Storefront, path: str) -> None:
    response, body = get(server, path)
    assert (response.status, body) == (200, "content of index.html")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path", ["/other.js", "/server.py", "/../pyproject.toml", "/pictures/tea/A.svg", "/.git/config.x"]
)
def test_only_the_shops_files_are_served(server: Storefront, path: str) -> None:
    response, body = get(server, path)
    assert (response.status, body) == (404, "there is no such file\n")


def test_scripts_come_from_the_shop_and_requests_go_to_gateway_and_provider_only(server: Storefront) -> None:
    policy = get(server, "/")[0].headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert f"connect-src 'self' {API} ws://127.0.0.1:8000 {STRIPE};" in policy
    assert "unsafe" not in policy


def test_the_page_learns_where_the_api_is(server: Storefront) -> None:
    response, body = get(server, "/config.json")
    assert json.loads(body) == {"api": API, "stripe": STRIPE}
    assert response.headers["Content-Type"] == "application/json"


def test_a_picture_is_drawn_by_category_and_coloured_by_product(server: Storefront) -> None:
    response, first = get(server, "/pictures/tea/tea-070001.svg")
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(first).tag.endswith("svg")
    again, other = (
        get(server, "/pictures/tea/tea-070001.svg")[1],
        get(server, "/pictures/tea/tea-070002.svg")[1],
    )
    assert first == again != other
    assert get(server, "/pictures/no-such-category/x.svg")[0].status == 200
