"""The plans of every list, look-up and sweep, on a hundredth of what make scale-test fills: checks rows, not times."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.testing.servers import Postgres
from tests.scale.filling import SETTINGS, NotEnoughDisk, check_disk, fill
from tests.scale.measuring import Kind, Measure, measure
from tests.scale.plans import ExplainedDatabase, explain
from tests.scale.run import MEASURES, measure_database, world_of
from tests.scale.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(orders=100_000, accounts=10_000, products=1_000)


@pytest.fixture(scope="module")
def server(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("scale")
    small = {**SETTINGS, "shared_buffers": "128MB", "maintenance_work_mem": "64MB"}
    server = Postgres(folder, durable=False, configuration=small)
    server.start()
    fill(server, world, folder, print)
    yield server
    server.stop()


@pytest.mark.parametrize("database", MEASURES)
async def test_no_statement_scans_a_large_table_or_reads_too_many_rows(
    server: Postgres, world: World, database: str
) -> None:
    figures = await measure_database(server, world, database, runs=1)
    assert not [violation for figure in figures for violation in figure.violations(times=False)]


async def test_rows_that_migrations_insert_are_there(server: Postgres) -> None:
    db = ExplainedDatabase(server.url("order"))
    await db.open()

    assert await db.fetchval("SELECT count(*) FROM pricing_state") == 1

    await db.close()


async def test_a_sequential_scan_is_detected(server: Postgres) -> None:
    await explain(server.url("order"))
    db = ExplainedDatabase(server.url("order"))
    await db.open()

    async def whole() -> None:
        await db.fetch("SELECT id FROM orders WHERE total = $1", 12_345)

    [figure] = await measure(db, [Measure("orders", "by total", Kind.REQUEST, whole)], print, runs=1)
    await db.close()
    assert figure.scans == ["orders"]
    assert [violation.rpartition(": ")[2] for violation in figure.violations(times=False)] == [
        "reads all of orders",
        "reads 100,000 rows, at most 15,000 are allowed",
    ]


def test_a_disk_that_is_too_small_is_rejected_before_filling(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughDisk, match=r"need 2,?\d+\.\d GB, more than the 35\.0 GB allowed"):
        check_disk(tmp_path, world_of(orders=1_000_000_000, accounts=1_000_000, products=100_000))
