"""The CPU of processes that this test starts."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.ports import Ports
from kit.testing import free_port, wait_until
from tests.load.cpu import Span, spent, table

# Listens, then works in itself and in a child that ends, then in one that stays, and says so.
WORKER = """
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def work():
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
work()
if os.fork() == 0:
    work()
    os._exit(0)
os.wait()
if os.fork() == 0:
    work()
    print("done", flush=True)
    time.sleep(60)
    os._exit(0)
os.wait()
"""


@pytest.fixture
def worker() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    command = [sys.executable, "-c", WORKER, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    yield port, process
    subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=True)
    process.wait()


def test_the_work_of_a_part_and_of_its_children_is_counted(worker: tuple[int, subprocess.Popen[str]]) -> None:
    port, process = worker
    ports = replace(Ports.free(), order=port)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    wait_until(lambda: spent(ports).get("order", 0) >= 550, "three times 200 ms")
    assert spent(ports)["order"] < 1000
    assert spent(ports).keys() == {"order"}


def test_what_is_spent_at_rest_is_no_operations(worker: tuple[int, subprocess.Popen[str]]) -> None:
    port, process = worker
    ports = replace(Ports.free(), order=port)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    wait_until(lambda: spent(ports).get("order", 0) >= 550, "three times 200 ms")
    span = Span(ports, time.monotonic() - 10, {"order": 0})
    assert 0.5 < span.each(1000, {})["order"] < 1
    assert span.each(1000, {"order": 30})["order"] == pytest.approx(
        span.each(1000, {})["order"] - 0.3, abs=0.02
    )
    assert span.each(1000, {"order": 1000})["order"] == 0


def test_the_table_tells_the_dearest_first() -> None:
    assert table({"order": 0.7, "kafka": 0.001, "gateway": 0.9}) == "gateway 0.90, order 0.70; all 1.60"
