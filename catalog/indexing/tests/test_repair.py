"""Repairing a real index from real tables."""

from datetime import timedelta

from catalog.indexing.reindexing import Reindexer
from catalog.indexing.tests.shop import Shop, shop
from kit.testing.fixtures import database_url, elasticsearch, postgres, redis
from kit.values import utc_now

__all__ = ["database_url", "elasticsearch", "postgres", "redis", "shop"]


async def test_only_documents_that_differ_from_the_table_are_repaired(shop: Shop) -> None:
    stale, deleted, sold, missing, fine = await shop.make_many(5)
    await shop.reindex(stale, deleted, sold, fine)
    # These changes do not reach the indexer.
    await shop.rename(stale, "Cup")
    await shop.delete(deleted)
    await shop.set_stock(sold, 0)

    assert await shop.reindexer.repair(settled=timedelta(0)) == 4

    indexed = await shop.index.read([stale, deleted, sold, missing, fine])
    assert (indexed[stale][0].name, deleted in indexed) == ("Cup", False)
    assert (indexed[sold][1], indexed[fine][1]) == (False, True)
    assert missing in indexed
    assert await shop.reindexer.repair(settled=timedelta(0)) == 0


async def test_recent_changes_are_left_to_the_indexer(shop: Shop) -> None:
    await shop.make_many(3)
    assert await shop.reindexer.repair() == 0
    two_minutes = timedelta(minutes=2)
    later = Reindexer(shop.source, shop.index, shop.indexer, clock=lambda: utc_now() + two_minutes)
    assert await later.repair() == 3
