"""The cache of rules on PostgreSQL: the shop's settings, revisions, and rules that are written while they are read."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from kit.db import Database, Migrations
from kit.errors import Unavailable
from kit.testing.fixtures import database_url, postgres
from order.orders.events import TOPIC
from order.pricing.places import Place
from order.pricing.rounding import Rounding
from order.pricing.rules import Level, TaxRate, Terms, Treatment
from order.rules.errors import TermsDiffer
from order.rules.snapshot import PricingRules
from order.rules.store import PostgresRulesStore, raise_revision

__all__ = ["database_url", "postgres"]

TERMS = Terms(prices_include_tax=True, home_country="CH")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await Migrations("order").apply(database_url)
    database = Database(database_url, publishes=TOPIC)
    await database.open()
    yield database
    await database.close()


async def opened(db: Database, terms: Terms = TERMS) -> PricingRules:
    rules = PricingRules(PostgresRulesStore(db), terms)
    await rules.open()
    return rules


async def add_rate(db: Database, name: str) -> None:
    async with db.transaction() as tx:
        await raise_revision(tx)
        await tx.execute("INSERT INTO tax_countries VALUES ('CH', 'ADDED', 1) ON CONFLICT DO NOTHING")
        await tx.execute(
            "INSERT INTO tax_rates SELECT $1, 'CH', count(*), '', '', 'standard', $2, 81000, 'ADD', '' FROM tax_rates",
            uuid4(),
            name,
        )


async def test_the_first_process_writes_the_shops_settings(db: Database) -> None:
    first, second = await asyncio.gather(opened(db), opened(db))

    assert (await first.current()).rules.terms == (await second.current()).rules.terms == TERMS
    assert (await first.current()).revision == 1
    assert not (await first.current()).rules.change_prices


async def test_a_process_with_other_settings_does_not_start(db: Database) -> None:
    await opened(db)

    with pytest.raises(TermsDiffer, match="TAX_LEVEL is 'RATE' here and 'LINE' in the shop") as caught:
        await opened(db, Terms(True, Rounding.HALF_UP, Level.RATE, "CH"))

    assert "set-pricing-settings" in str(caught.value)


async def test_changed_settings_reach_processes_that_run_with_the_old_ones(db: Database) -> None:
    old = await opened(db)
    changed = Terms(True, Rounding.HALF_EVEN, Level.LINE, "CH")

    await PostgresRulesStore(db).replace_terms(changed)

    assert (await (await opened(db, changed)).current()).rules.terms == changed
    with pytest.raises(Unavailable, match="TAX_ROUNDING"):
        await old.after(1)


async def test_rules_are_loaded_again_once_their_revision_is_outdated(db: Database) -> None:
    rules = await opened(db)
    await add_rate(db, "MWST")

    cached = await rules.current()
    newer = await rules.at(await PostgresRulesStore(db).revision())

    assert (cached.revision, newer.revision) == (1, 2)
    assert newer.rules.tax_rates == {Place("CH"): (TaxRate(Place("CH"), "MWST", 81_000),)}
    assert newer.rules.treatments == {"CH": Treatment.ADDED}
    assert await rules.current() is newer
    assert await rules.at(1) is newer


async def test_concurrent_callers_load_the_rules_once(db: Database) -> None:
    loads = 0

    class Counting(PostgresRulesStore):
        async def load(self) -> Any:
            nonlocal loads
            loads += 1
            return await super().load()

    rules = PricingRules(Counting(db), TERMS)
    await rules.open()
    await add_rate(db, "MWST")

    snapshots = await asyncio.gather(*(rules.after(1) for _ in range(20)))

    assert {snapshot.revision for snapshot in snapshots} == {2}
    assert loads == 2


async def test_rules_that_are_written_while_they_are_read_leave_the_revision_too_low(db: Database) -> None:
    class Interrupted(Database):
        async def fetchrow(self, sql: str, *args: Any) -> Any:
            row = await super().fetchrow(sql, *args)
            await add_rate(db, "MWST")
            return row

    other = Interrupted(db.url)
    await opened(db)
    await other.open()
    snapshot = await PostgresRulesStore(other).load()
    await other.close()

    assert snapshot.revision == 1
    assert len(snapshot.rules.tax_rates) == 1
