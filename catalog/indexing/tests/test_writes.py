"""What a write to a real index changes."""

from dataclasses import replace

from catalog.indexing.domain import IndexRow
from catalog.tests.indexed import Index, deleted, elasticsearch, index, redis

__all__ = ["elasticsearch", "index", "redis"]


async def test_an_outdated_write_does_not_restore_a_deleted_product(index: Index) -> None:
    mug = await index.add("Mug")

    await index.delete(deleted(mug))
    assert await index.names("mug") == []
    await index.writer.write([IndexRow(mug, True, True), IndexRow(deleted(mug), False, True)])
    await index.writer.refresh()
    assert await index.names("mug") == []


async def test_an_older_version_changes_nothing_and_the_same_version_is_no_error(index: Index) -> None:
    mug = await index.add("Mug")
    cup = replace(mug, name="Cup", version=2)

    await index.write(cup)
    await index.write(mug)
    await index.write(cup)

    assert await index.names() == ["Cup"]


async def test_availability_changes_without_a_new_version(index: Index) -> None:
    mug = await index.add("Mug")

    await index.write(mug, available=False)

    assert await index.names(available=True) == []
    assert await index.names(available=False) == ["Mug"]
