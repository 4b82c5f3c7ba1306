"""The server of the dashboards: its files, the dashboards as they are in the repository, and queries passed on to Prometheus."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dev.dashboards.server import DASHBOARDS, Dashboards
from kit.testing import free_port


class _Prometheus(BaseHTTPRequestHandler):
    """Answers every request with its path, and one as Prometheus does while it starts."""

    def do_GET(self) -> None:
        body = json.dumps({"status": "success", "path": self.path}).encode()
        starts = "query=early" in self.path
        self.send_response(503 if starts else 200)
        self.send_header("Content-Type", "text/plain" if starts else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def port(tmp_path: Path, prometheus: int) -> Iterator[int]:
    for name in ("index.html", "page.js", "page.css", "style.css", "server.py"):
        (tmp_path / name).write_text(f"content of {name}")
    port = free_port()
    with Dashboards(port, prometheus, tmp_path, scrape_seconds=5):
        yield port


def get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    connection.close()
    return response.status, body


@pytest.mark.parametrize("path", ["/", "/d/souk-business?from=now-6h", "/d/none"])
def test_every_dashboard_has_the_same_page(port: int, path: str) -> None:
    assert get(port, path) == (200, "content of index.html")


@pytest.mark.parametrize("path", ["/server.py", "/../pyproject.toml", "/dashboards/../x.json", "/other"])
def test_other_files_are_not_served(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def test_the_dashboards_are_the_files_of_the_repository(port: int) -> None:
    files = sorted(DASHBOARDS.glob("*.json"))
    assert files
    for file in files:
        assert get(port, f"/dashboards/{file.stem}.json") == (200, file.read_text())
    config = json.loads(get(port, "/config.json")[1])
    assert config["scrape"] == 5
    listed = [dashboard["uid"] for dashboard in config["dashboards"]]
    assert set(listed) == {file.stem for file in files}
    assert listed.index("souk-business") < listed.index("souk-account")
    assert get(port, "/dashboards/nosuch.json") == (404, "there is no dashboard nosuch\n")


@pytest.mark.parametrize(
    "path", ["/api/v1/query?query=up", "/api/v1/query_range?query=up&step=5", "/api/v1/label/job/values"]
)
def test_queries_are_passed_on(port: int, path: str) -> None:
    assert json.loads(get(port, path)[1]) == {"status": "success", "path": path}


@pytest.mark.parametrize(
    "path", ["/api/v1/admin/tsdb/delete_series?match[]=up", "/api/v1/status/config", "/-/quit"]
)
def test_nothing_else_is_passed_on(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def test_a_prometheus_that_starts_is_reported(port: int) -> None:
    status, body = get(port, "/api/v1/query?query=early")
    assert (status, json.loads(body)["status"]) == (502, "error")
    assert json.loads(body)["error"].startswith("Prometheus is not ready: ")


def test_a_prometheus_that_does_not_respond_is_reported(tmp_path: Path) -> None:
    port = free_port()
    with Dashboards(port, free_port(), tmp_path, scrape_seconds=5):
        status, body = get(port, "/api/v1/query?query=up")
    assert status == 502
    assert json.loads(body)["error"].startswith("Prometheus does not respond: ")
