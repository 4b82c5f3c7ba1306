"""The pool, with work kept in a list."""

import asyncio
import time
from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit.telemetry.spans import record_spans
from kit.testing import eventually
from kit.work import LeaseLost, Worker
from kit.work.metrics import WORK


class Work:
    """Items to claim, each once; handling takes as long as `go` says."""

    def __init__(self, *items: str) -> None:
        self.items = list(items)
        self.limits: list[int] = []
        self.handled: list[str] = []
        self.under_way = 0
        self.max_under_way = 0
        self.go = asyncio.Event()
        self.go.set()
        self.claim_fails = 0

    async def claim(self, limit: int) -> list[str]:
        self.limits.append(limit)
        if self.claim_fails:
            self.claim_fails -= 1
            raise OSError("the database is unavailable")
        claimed, self.items = self.items[:limit], self.items[limit:]
        return claimed

    async def handle(self, item: str) -> None:
        self.under_way += 1
        self.max_under_way = max(self.max_under_way, self.under_way)
        await asyncio.sleep(0)
        await self.go.wait()
        self.under_way -= 1
        if item == "bad":
            raise KeyError(item)
        self.handled.append(item)

    def worker(self, concurrency: int = 3, idle_seconds: float = 0.01) -> Worker[str]:
        return Worker("test", self.claim, self.handle, concurrency=concurrency, idle_seconds=idle_seconds)

    def woken_worker(
        self, wakes: list[Callable[[], None]], *, idle_seconds: float = 0.01, rest_seconds: float = 60
    ) -> Worker[str]:
        """`wakes` gets what wakes it."""
        return Worker(
            "test",
            self.claim,
            self.handle,
            concurrency=3,
            idle_seconds=idle_seconds,
            rest_seconds=rest_seconds,
            on_new_work=wakes.append,
        )


async def test_all_work_is_done_and_never_more_at_once_than_allowed() -> None:
    work = Work(*map(str, range(20)))
    worker = work.worker(concurrency=3)
    await worker.open()
    await eventually(lambda: len(work.handled) == 20)
    await worker.close()

    assert work.max_under_way == 3
    assert max(work.limits) == 3


async def test_no_more_items_are_claimed_than_can_start() -> None:
    work = Work("a", "b", "c", "d")
    work.go.clear()
    worker = work.worker(concurrency=3)
    await worker.open()
    await eventually(lambda: work.under_way == 3)

    assert work.items == ["d"]
    work.go.set()
    await eventually(lambda: len(work.handled) == 4)
    await worker.close()


async def test_one_claim_takes_ten_items_at_most_and_the_next_follows_while_there_are_more() -> None:
    work = Work(*map(str, range(25)))
    work.go.clear()
    worker = work.worker(concurrency=64, idle_seconds=60)
    await worker.open()
    await eventually(lambda: work.under_way == 25)

    assert work.limits == [10, 10, 10]
    work.go.set()
    await worker.close()


async def test_a_full_pool_claims_again_when_ten_items_can_start() -> None:
    work = Work(*map(str, range(80)))
    work.go.clear()
    worker = work.worker(concurrency=64)
    await worker.open()
    await eventually(lambda: work.under_way >= 60)
    work.go.set()
    await eventually(lambda: len(work.handled) == 80)
    await worker.close()

    assert work.max_under_way <= 64
    assert work.limits[:8] == [10] * 8


async def test_items_that_become_due_one_by_one_are_claimed_together_after_the_poll_interval() -> None:
    work = Work("0")

    async def handle(item: str) -> None:
        await work.handle(item)
        work.items.append(str(int(item) + 1))

    worker = Worker("test", work.claim, handle, concurrency=3, idle_seconds=0.05)
    started_at = time.monotonic()
    await worker.open()
    await eventually(lambda: len(work.handled) >= 5)
    seconds = time.monotonic() - started_at
    await worker.close()

    assert seconds >= 4 * 0.05


async def test_one_failure_is_not_the_others() -> None:
    work = Work("a", "bad", "b")
    worker = work.worker()
    await worker.open()
    await eventually(lambda: sorted(work.handled) == ["a", "b"])
    await worker.close()


async def test_a_lease_that_was_lost_is_counted_and_is_no_failure() -> None:
    handled: list[str] = []

    async def handle(item: str) -> None:
        handled.append(item)
        raise LeaseLost()

    work = Work("a")
    worker = Worker("test_lost", work.claim, handle, concurrency=1, idle_seconds=0.01)
    await worker.open()
    await eventually(lambda: handled)
    await worker.close()
    assert WORK.labels("test_lost", "lease_lost")._value.get() == 1
    assert WORK.labels("test_lost", "failed")._value.get() == 0


async def test_a_claim_that_fails_is_repeated() -> None:
    work = Work("a")
    work.claim_fails = 1
    worker = work.worker()
    await worker.open()
    await eventually(lambda: work.handled == ["a"])
    await worker.close()


async def test_closing_lets_what_is_under_way_end_and_claims_no_more() -> None:
    work = Work("a", "b")
    work.go.clear()
    worker = work.worker(concurrency=1)
    await worker.open()
    await eventually(lambda: work.under_way == 1)
    closing = asyncio.create_task(worker.close())
    await asyncio.sleep(0)
    work.go.set()
    await closing

    assert work.handled == ["a"]
    assert work.items == ["b"]


async def test_no_more_items_start_per_second_than_allowed() -> None:
    work = Work(*map(str, range(200)))
    worker = Worker("test", work.claim, work.handle, concurrency=50, per_second=100, idle_seconds=0.01)
    started_at = time.monotonic()
    await worker.open()
    await eventually(lambda: len(work.handled) >= 60)
    handled, seconds = len(work.handled), time.monotonic() - started_at
    await worker.close()

    assert seconds > 0.45
    assert handled <= 100 * seconds + 20


async def test_a_worker_at_rest_is_woken_for_new_work() -> None:
    work, wakes = Work(), list[Callable[[], None]]()
    worker = work.woken_worker(wakes)
    await worker.open()
    await eventually(lambda: len(work.limits) == 1)
    work.items.append("a")
    wakes[0]()
    # At rest, when woken, and after the item.
    await eventually(lambda: work.handled == ["a"] and len(work.limits) == 3)
    await worker.close()

    assert len(work.limits) == 3


async def test_work_that_a_worker_is_not_woken_for_waits_until_its_rest_ends() -> None:
    work = Work()
    worker = work.woken_worker([], rest_seconds=0.05)
    await worker.open()
    await eventually(lambda: len(work.limits) == 1)
    work.items.append("a")
    await eventually(lambda: work.handled == ["a"])
    await worker.close()

    assert work.handled == ["a"]


async def test_claims_of_a_worker_that_is_woken_often_are_as_far_apart_as_without() -> None:
    work, wakes = Work(), list[Callable[[], None]]()
    times: list[float] = []

    class Timed(Work):
        async def claim(self, limit: int) -> list[str]:
            times.append(time.monotonic())
            return await work.claim(limit)

    worker = Timed().woken_worker(wakes, idle_seconds=0.1)
    await worker.open()

    def has_claimed_thrice() -> bool:
        wakes[0]()
        return len(times) >= 3

    await eventually(has_claimed_thrice)
    await worker.close()

    assert times[1] - times[0] > 0.09
    assert times[2] - times[1] > 0.09


async def test_the_trace_of_an_item_names_its_order() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    record_spans(provider.get_tracer("test"), 1.0)
    work = Work("a", "b")
    worker = Worker("test", work.claim, work.handle, concurrency=2, order_id="ord_{}".format)
    try:
        await worker.open()
        await eventually(lambda: len(work.handled) == 2)
    finally:
        await worker.close()
        record_spans(None, 0.0)
    spans = {(span.name, (span.attributes or {})["order_id"]) for span in exporter.get_finished_spans()}
    assert spans == {("work test", "ord_a"), ("work test", "ord_b")}


async def test_what_becomes_due_when_an_item_is_done_does_not_wait_for_the_rest_to_end() -> None:
    work = Work("a", "b", "c")

    async def one_at_a_time(_: int) -> list[str]:
        return await work.claim(1)

    worker = Worker(
        "test",
        one_at_a_time,
        work.handle,
        concurrency=3,
        idle_seconds=0.01,
        rest_seconds=60,
        on_new_work=lambda _: None,
    )
    await worker.open()
    await eventually(lambda: work.handled == ["a", "b", "c"])
    await worker.close()

    assert work.handled == ["a", "b", "c"]
