"""Measures the CPU time of processes that the test starts."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.ports import Ports
from dev.processes import stat
from kit.testing import free_port, wait_until
from tests.load.cpu import Measurement, cpu_times, table
from tests.load.memory import memory
from tests.load.processes import paused, process_trees

# Listens, then uses CPU time itself, in a child that exits, and in one that stays; then prints "done".
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


def test_the_cpu_time_of_a_component_includes_its_children(worker: tuple[int, subprocess.Popen[str]]) -> None:
    port, process = worker
    ports = replace(Ports.free(), order=port)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    wait_until(lambda: cpu_times(ports).get("order", 0) >= 550, "three times 200 ms")
    assert cpu_times(ports)["order"] < 1000
    assert cpu_times(ports).keys() == {"order"}


def test_the_cpu_time_of_an_idle_stack_is_subtracted(worker: tuple[int, subprocess.Popen[str]]) -> None:
    port, process = worker
    ports = replace(Ports.free(), order=port)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    wait_until(lambda: cpu_times(ports).get("order", 0) >= 550, "three times 200 ms")
    measurement = Measurement(ports, time.monotonic() - 10, {"order": 0})
    total = measurement.per_operation(1000, {})["order"]
    assert 0.5 < total < 1
    earliest = time.monotonic() - measurement.started_at
    subtracted = total - measurement.per_operation(1000, {"order": 30})["order"]
    latest = time.monotonic() - measurement.started_at
    assert 0.03 * earliest - 0.001 <= subtracted <= 0.03 * latest + 0.001
    assert measurement.per_operation(1000, {"order": 1000})["order"] == 0


def test_the_table_lists_the_most_expensive_component_first() -> None:
    assert table({"order": 0.7, "kafka": 0.001, "gateway": 0.9}) == "gateway 0.90, order 0.70; all 1.60"


def test_memory_that_processes_share_counts_once(worker: tuple[int, subprocess.Popen[str]]) -> None:
    port, process = worker
    ports = replace(Ports.free(), order=port)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    assert len(process_trees(ports)["order"]) == 2
    assert 2**20 < memory(ports)["order"] < 100 * 2**20


def test_a_paused_component_is_frozen_and_then_goes_on(worker: tuple[int, subprocess.Popen[str]]) -> None:
    port, process = worker
    ports = replace(Ports.free(), payment=port)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"

    def states() -> set[str]:
        return {stat(pid)[0] for pid in process_trees(ports)["payment"]}

    with paused(ports):
        wait_until(lambda: states() == {"T"}, "frozen")
    wait_until(lambda: states() == {"S"}, "continued")
