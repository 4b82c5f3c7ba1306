"""The start page's server: files, states of components, last lines of logs, and requests that it rejects."""

import http.client
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.components import Program
from dev.ports import Ports
from dev.start_page.parts import last_line
from dev.start_page.server import POLICY, StartPage
from kit.testing import free_port, wait_until
from kit.testing.servers import Server

LISTENS = (
    "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
    "print('bread is ready', flush=True); time.sleep(600)"
)


class Bakery:
    """A stack of one component."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.program = Program(
            "baker", [sys.executable, "-S", "-c", LISTENS, str(port)], port=port, state=folder
        )
        self.restarts = Counter({"baker": 2})

    @property
    def components(self) -> dict[str, Server]:
        return {"baker": self.program}


class Page:
    """The page's server, and its stack."""

    def __init__(self, stack: Bakery, ports: Ports) -> None:
        self.stack, self.port = stack, ports.start_page

    def get(self, path: str, host: str = "127.0.0.1:8000") -> tuple[int, str, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text, response.headers

    def part(self) -> dict[str, Any]:
        [part] = json.loads(self.get("/start/parts.json")[1])["parts"]
        assert isinstance(part, dict)
        return part


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    stack, ports = Bakery(tmp_path), Ports.free()
    with StartPage(stack, ports, tmp_path):
        yield Page(stack, ports)
        stack.program.kill()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/", "text/html"), ("/start/page.js", "text/javascript"), ("/start/style.css", "text/css")],
)
def test_the_files_have_a_policy_without_inline_scripts(page: Page, path: str, media_type: str) -> None:
    status, text, headers = page.get(path)
    assert (status, headers["Content-Type"]) == (200, media_type)
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert text


def test_a_component_is_shown_with_its_state_from_start_to_exit(page: Page) -> None:
    program = page.stack.program
    assert (page.part()["state"], page.part()["memory"]) == ("stopped", None)
    program.start()
    wait_until(lambda: page.part()["state"] == "ready", "ready on the page")
    wait_until(lambda: page.part()["line"] == "bread is ready", "its line on the page")
    part = page.part()
    assert part["memory"] > 2**20
    assert (part["name"], part["address"], part["restarts"]) == ("baker", f"127.0.0.1:{program.port}", 2)
    program.pause()
    wait_until(lambda: page.part()["state"] == "paused", "paused on the page")
    program.resume()
    assert program.process
    program.process.kill()
    wait_until(lambda: page.part()["state"] == "exited with status -9", "its status on the page")


def test_the_last_line_of_a_service_is_its_event_with_its_fields(tmp_path: Path) -> None:
    log = tmp_path / "order.log"
    assert last_line(log) == ""
    log.write_text("starting\n\n")
    assert last_line(log) == "starting"
    fields = {
        "time": "now",
        "service": "order",
        "logger": "order",
        "event": "order.placed",
        "order_id": "ord_1",
    }
    with log.open("a") as file:
        file.write(json.dumps({**fields, "level": "INFO"}) + "\n")
    assert last_line(log) == "order.placed order_id=ord_1"
    with log.open("a") as file:
        file.write(json.dumps({**fields, "level": "ERROR"}) + "\n")
    assert last_line(log) == "ERROR order.placed order_id=ord_1"
    with log.open("a") as file:
        probe = {**fields, "event": "http.request", "route": "/readyz", "level": "INFO"}
        file.write(json.dumps(probe) + "\n")
    assert last_line(log) == "ERROR order.placed order_id=ord_1"
    log.write_text("x" * 100_000)
    assert last_line(log) == "x" * 300


@pytest.mark.parametrize("path", ["/docs/../stack.sock", "/docs/index.html", "/nowhere", "/start/../secret"])
def test_a_path_without_a_file_is_reported(page: Page, path: str) -> None:
    status, text, _ = page.get(path)
    assert status == 404
    assert json.loads(text)["error"]


def test_only_names_of_this_machine_are_served(page: Page) -> None:
    status, text, _ = page.get("/start/parts.json", host="shop.example")
    assert (status, json.loads(text)) == (
        403,
        {"error": "open the page at http://127.0.0.1 or http://localhost"},
    )


def test_the_documentation_is_linked_once_it_is_built(page: Page, tmp_path: Path) -> None:
    def listed() -> str:
        text: str = json.loads(page.get("/start/about.json")[1])["addresses"]["Documentation"]
        return text

    assert listed() == "make docs builds it; then it is served here"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("<h1>Guide</h1>")
    assert listed() == f"http://127.0.0.1:{page.port}/docs/index.html"
    assert page.get("/docs/index.html")[:2] == (200, "<h1>Guide</h1>")
