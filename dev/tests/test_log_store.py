"""Log lines and spans on their way to a real log store, and everything of one request again."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dev.components import programs
from dev.log_files import size, size_on_disk
from dev.ports import Ports
from dev.start_page.journeys import InvalidId, find
from dev.start_page.log_store import LogStore, LogStoreError
from dev.start_page.parts import last_line
from dev.start_page.shipping import Shipper, as_record
from dev.start_page.spans import records_of_export
from kit.testing import wait_until

_NOW_NS = 1_790_000_000_123_456_789


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    ports, state = Ports.free(), tmp_path_factory.mktemp("state")
    [program] = [
        program
        for program in programs(ports, state, mail="count", observed=True)
        if program.name == "log-store"
    ]
    program.start()
    yield LogStore(ports.logs)
    program.stop()


def records_of(store: LogStore, text: str, count: int) -> dict[str, Any]:
    """The result once it has this number of records."""

    def complete() -> bool:
        result = find(store, text)
        return len(result["spans"]) + len(result["lines"]) == count

    wait_until(complete, f"{count} records of {text}")
    return find(store, text)


def line(**fields: str) -> str:
    return json.dumps({"level": "INFO", "logger": "test", **fields}) + "\n"


def test_what_a_component_logs_is_found_by_its_ids(store: LogStore, tmp_path: Path) -> None:
    log = tmp_path / "order.log"
    log.write_text(line(event="before", correlation_id="corr-1"))
    shipper = Shipper({"order": log}, store, tmp_path / "shipped.json")
    with log.open("a") as file:
        file.write(line(event="order.placed", correlation_id="corr-1", order_id="ord_1"))
        file.write("half a li")
    shipper.ship()
    assert [row["_msg"] for row in records_of(store, "corr-1", 1)["lines"]] == ["order.placed"]
    with log.open("a") as file:
        file.write("ne with ord_1\n" + line(event="order.confirmed", order_id="ord_1"))
    # A supervisor that starts again continues where the last one was.
    Shipper({"order": log}, store, tmp_path / "shipped.json").ship()
    rows = records_of(store, "ord_1", 2)["lines"]
    assert {row["_msg"] for row in rows} == {"order.placed", "order.confirmed"}
    assert store.query('_msg:="half a line with ord_1" service:=order', limit=2)


def test_nothing_is_lost_while_the_store_is_down(store: LogStore, tmp_path: Path) -> None:
    log = tmp_path / "order.log"
    log.write_text("")
    down = Shipper({"order": log}, LogStore(Ports.free().logs), tmp_path / "shipped.json")
    log.write_text(line(event="order.placed", correlation_id="corr-2"))
    with pytest.raises(LogStoreError, match="does not respond"):
        down.ship()
    down._store = store
    down.ship()
    assert records_of(store, "corr-2", 1)


def test_a_log_that_was_deleted_is_followed_from_its_start(store: LogStore, tmp_path: Path) -> None:
    log = tmp_path / "order.log"
    log.write_text("a long line that is deleted, so that the next file is shorter than this one\n" * 9)
    shipper = Shipper({"order": log}, store, tmp_path / "shipped.json")
    log.write_text(line(event="order.placed", correlation_id="corr-3"))
    shipper.ship()
    assert records_of(store, "corr-3", 1)


_TAIL_BYTES = 64 * 1024


class Writing:
    """A component that keeps its log open, and what its supervisor sends of it."""

    def __init__(self, folder: Path, store: LogStore | None, id: str, written: int = 0) -> None:
        self.log = folder / "order.log"
        self.shipper = Shipper({"order": self.log}, store, folder / "shipped.json", tail_bytes=_TAIL_BYTES)
        self._id = id
        self._file = self.log.open("a")
        self.written = written

    def write(self, lines: int) -> None:
        """Lines of about 200 bytes."""
        for number in range(self.written, self.written + lines):
            self._file.write(line(event=f"order.placed.{number}", correlation_id=self._id, text="x" * 100))
        self._file.flush()
        self.written += lines

    def restarted(self, store: LogStore) -> "Writing":
        """The component and its supervisor after another start."""
        self._file.close()
        return Writing(self.log.parent, store, self._id, self.written)

    def stored(self, store: LogStore) -> set[str]:
        """The events in the store."""
        rows = store.query(f'correlation_id:="{self._id}"', limit=self.written * 2)
        assert len(rows) == len({row["_msg"] for row in rows})
        return {row["_msg"] for row in rows}

    def all_are_stored(self, store: LogStore) -> bool:
        """Each once."""
        return self.stored(store) == {f"order.placed.{number}" for number in range(self.written)}


def test_a_log_is_bounded_while_it_is_written_and_no_line_of_it_is_lost(
    store: LogStore, tmp_path: Path
) -> None:
    writing = Writing(tmp_path, store, "corr-6")
    for _ in range(20):
        writing.write(200)
        writing.shipper.ship()
        assert size_on_disk(writing.log) <= 3 * _TAIL_BYTES
    wait_until(lambda: writing.all_are_stored(store), "every line in the store")
    last = writing.log.read_bytes().rsplit(b"\n", 300)
    assert b"order.placed.3999" in last[-2]
    assert b"order.placed.3701" in last[1]


def test_a_restart_shortens_a_long_log_and_sends_each_line_once(store: LogStore, tmp_path: Path) -> None:
    writing = Writing(tmp_path, store, "corr-7")
    writing.write(4000)
    writing.shipper.ship()
    writing.write(100)
    writing = writing.restarted(store)
    assert writing.log.stat().st_size <= 2 * _TAIL_BYTES
    lines = writing.log.read_text().splitlines()
    assert [json.loads(text)["event"] for text in lines[-2:]] == ["order.placed.4098", "order.placed.4099"]
    assert json.loads(lines[0])["correlation_id"] == "corr-7"
    writing.write(100)
    writing.shipper.ship()
    wait_until(lambda: writing.all_are_stored(store), "every line in the store")


def test_lines_that_are_not_sent_are_kept_while_the_store_is_down(store: LogStore, tmp_path: Path) -> None:
    writing = Writing(tmp_path, store, "corr-8")
    writing.write(1)
    writing.shipper.ship()
    writing = writing.restarted(LogStore(Ports.free().logs))
    writing.write(2000)
    with pytest.raises(LogStoreError):
        writing.shipper.ship()
    writing = writing.restarted(store)
    writing.shipper.ship()
    wait_until(lambda: writing.all_are_stored(store), "every line in the store")
    assert size_on_disk(writing.log) <= 2 * _TAIL_BYTES


def test_a_follower_of_a_log_does_not_notice_that_it_is_bounded(tmp_path: Path) -> None:
    writing = Writing(tmp_path, None, "corr-9")
    writing.write(1)
    script = Path(__file__).parents[1] / "logs.sh"
    with subprocess.Popen(["bash", script, tmp_path, "order"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            for number in range(1000):
                assert json.loads(process.stdout.readline())["event"] == f"order.placed.{number}"
                if number == writing.written - 1:
                    writing.write(100)
                    writing.shipper.ship()
                    assert last_line(writing.log).startswith(f"order.placed.{writing.written - 1} ")
            assert size_on_disk(writing.log) <= 3 * _TAIL_BYTES < size(writing.log)
        finally:
            process.kill()


@pytest.mark.parametrize("text", ["", " \n", line(event="http.request", route="/metrics")])
def test_empty_lines_and_probes_are_no_records(text: str) -> None:
    assert as_record("order", text.encode()) is None


def test_another_servers_line_keeps_its_text() -> None:
    assert as_record("kafka", b"[1, 2]\n") == {"service": "kafka", "event": "[1, 2]"}
    assert as_record("order-2", line(event="e", service="order").encode()) == {
        "level": "INFO",
        "logger": "test",
        "event": "e",
        "service": "order-2",
    }


def export(service: str, name: str, **attributes: str) -> ExportTraceServiceRequest:
    """An export of one span of trace 1."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    span = resource.scope_spans.add().spans.add(
        name=name,
        trace_id=bytes.fromhex(attributes.pop("trace")),
        span_id=b"\x01" * 8,
        kind=2,
        start_time_unix_nano=_NOW_NS,
        end_time_unix_nano=_NOW_NS + 2_500_000,
    )
    for key, value in attributes.items():
        span.attributes.add(key=key).value.string_value = value
    return request


def test_a_span_becomes_a_record_with_its_position_and_duration() -> None:
    [record] = records_of_export(export("order", "PlaceOrder", trace="ab" * 16).SerializeToString())
    assert record == {
        "time": "2026-09-21T14:13:20.123456789Z",
        "service": "order",
        "event": "PlaceOrder",
        "trace_id": "ab" * 16,
        "span_id": "01" * 8,
        "parent_id": "",
        "span": "server",
        "start_us": _NOW_NS // 1000,
        "duration_us": 2500,
    }
    with pytest.raises(DecodeError):
        records_of_export(b"\xff\xff")


def test_from_a_correlation_id_to_the_work_of_its_order(store: LogStore) -> None:
    request, work = "cd" * 16, "ef" * 16
    for sent in (
        export("gateway", "HTTP POST", trace=request, correlation_id="corr-4"),
        export("payment", "work payments", trace=work, order_id="ord_4"),
        export("payment", "stripe confirm", trace=work),
        export("payment", "work payments", trace="12" * 16, order_id="ord_5"),
    ):
        records = records_of_export(sent.SerializeToString())
        store.insert([{key: value for key, value in record.items() if key != "time"} for record in records])
    store.insert([{"service": "order", "event": "order.placed", "trace_id": request, "order_id": "ord_4"}])
    result = records_of(store, "corr-4", 4)
    assert {row["_msg"] for row in result["spans"]} == {"HTTP POST", "work payments", "stripe confirm"}
    assert f"127.0.0.1:{store.port}/select/vmui/" in result["logs"]
    assert records_of(store, work, 4)["id"] == work


@pytest.mark.parametrize("text", ["", "a b", '"*"', "x" * 129, "id:or(*)"])
def test_what_cannot_be_an_id_is_rejected(store: LogStore, text: str) -> None:
    with pytest.raises(InvalidId, match="3 to 128 letters"):
        find(store, text)


def test_an_unknown_id_finds_nothing(store: LogStore) -> None:
    assert records_of(store, "ord_unknown", 0)["lines"] == []
