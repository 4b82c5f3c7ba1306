"""Pages for developers: what stands at /, behind the links of mails, and what the playground offers to sign in with."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.tests.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, HOME_LINKS="Playground=/playground,Mails=http://127.0.0.1:1&x=<b>") as world:
        yield world


async def test_the_home_page_has_links_and_logins(world: World) -> None:
    page = await world.http.get("/")
    assert page.status_code == 200
    assert '<a href="/playground">/playground</a>' in page.text
    assert '<a href="http://127.0.0.1:1&amp;x=&lt;b&gt;">' in page.text
    assert "<code>admin@souk.test / AdminPass123!</code>" in page.text


async def test_the_playground_offers_the_development_logins(world: World) -> None:
    offered = (await world.http.get("/playground/logins.json")).json()
    assert offered == [
        {"name": "ADMIN", "email": "admin@souk.test", "password": "AdminPass123!"},
        {"name": "John", "email": "john@souk.test", "password": "UserPass123!"},
    ]


async def test_there_are_no_logins_where_none_are_set(tmp_path: Path) -> None:
    async with opened(tmp_path, PLAYGROUND_LOGINS="none") as world:
        assert (await world.http.get("/playground/logins.json")).json() == []


@pytest.mark.parametrize("path", ["/orders/ord_1", "/reset-password?token=x", "/verify-email"])
async def test_links_in_emails_lead_to_a_placeholder_page(world: World, path: str) -> None:
    page = await world.http.get(path)
    assert page.status_code == 200
    assert "SHOP_URL" in page.text
    # The call is wider than a phone.
    assert "pre{white-space:pre-wrap}" in page.text


@pytest.mark.parametrize("path", ["/", "/playground", "/orders/ord_1", "/livez", "/metrics", "/nowhere"])
async def test_a_content_type_has_at_most_one_charset(world: World, path: str) -> None:
    content_type = (await world.http.get(path)).headers["content-type"]
    assert content_type.count("charset") <= 1
    assert content_type.count(";") == len(set(content_type.split(";"))) - 1


@pytest.fixture
def supervisor() -> Iterator[str]:
    """Responds with the path and the host of each request, as the stack's start page would respond with its files."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{self.path} of {self.headers['Host']}".encode()
            self.send_response(404 if "missing" in self.path else 200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", "default-src 'none'")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Does not log requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/?id=ord_1", 200), ("/start/page.js", 200), ("/start/missing", 404)]
)
async def test_the_stacks_start_page_is_passed_on(
    tmp_path: Path, supervisor: str, path: str, status: int
) -> None:
    async with opened(tmp_path, START_PAGE_URL=supervisor) as world:
        page = await world.http.get(path)
    assert (page.status_code, page.text) == (status, f"{path} of {page.url.netloc.decode()}")
    assert page.headers["content-security-policy"] == "default-src 'none'"


async def test_a_start_page_that_does_not_respond_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path, START_PAGE_URL="http://127.0.0.1:1") as world:
        page = await world.http.get("/")
    assert page.status_code == 503
    assert page.json()["detail"] == "the start page at http://127.0.0.1:1 does not respond"
