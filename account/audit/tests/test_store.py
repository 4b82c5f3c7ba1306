"""The contract of the audit log's store."""

from datetime import timedelta

from account.audit.domain import AuditEvent, AuditFilter, AuditRecord
from account.tests.stores import NOW, World, add_account, real, world
from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, AUDIT, PRODUCT, SESSION

__all__ = ["database_url", "postgres", "real", "world"]


async def test_the_audit_log_is_filtered_by_actor_and_subject(world: World) -> None:
    db, store = world
    john, jane, product = ACCOUNT.new(), ACCOUNT.new(), PRODUCT.new()
    events = [
        AuditEvent("account.login", john, john, "1.2.3.4", session_id=SESSION.new()),
        AuditEvent("account.login_refused", None, john, "5.6.7.8"),
        AuditEvent("catalog.update_product", jane, product, "1.2.3.4", "more", subject_kind="prod"),
        AuditEvent("account.erase", jane, john, "1.2.3.4"),
    ]
    async with db.transaction() as tx:
        for index, event in enumerate(events):
            await store.add_event(tx, event, NOW + timedelta(seconds=index))

    async def read(filter: AuditFilter) -> list[AuditEvent]:
        records: list[AuditRecord] = []
        while page := await store.page_of_events(
            filter, (records[-1].time, records[-1].id) if records else None, 1
        ):
            records += page
        assert await store.count_events(filter) == len(records)
        return [record.event for record in records]

    assert await read(AuditFilter()) == events[::-1]
    assert await read(AuditFilter(actor_id=jane)) == [events[3], events[2]]
    assert await read(AuditFilter(subject_id=john, subject_kind="acc")) == [events[3], events[1], events[0]]
    assert await read(AuditFilter(actor_id=jane, subject_id=product, subject_kind="prod")) == [events[2]]
    assert await read(AuditFilter(subject_id=product, subject_kind="acc")) == []

    async with db.transaction() as tx:
        await store.erase_ip_addresses(tx, john)
    assert [event.address for event in await read(AuditFilter())] == ["1.2.3.4", "1.2.3.4", "", ""]


async def test_an_imported_event_keeps_its_id(world: World) -> None:
    db, store = world
    event_id = AUDIT.new()
    async with db.transaction() as tx:
        await store.add_event(tx, AuditEvent("x.y", ACCOUNT.new(), None, ""), NOW, event_id)
    [record] = await store.page_of_events(AuditFilter(), None, 10)
    assert (record.id, record.time) == (event_id, NOW)


async def test_events_are_counted_exactly_up_to_ten_thousand(real: World) -> None:
    db, store = real
    account = await add_account(real)
    async with db.transaction() as tx:
        await store.add_event(tx, AuditEvent("account.test", account.id, account.id, "console"), NOW)
    filters = [AuditFilter(), AuditFilter(actor_id=account.id), AuditFilter(account.id, account.id, "acc")]
    for more, expected in ((9_999, 10_000), (1, None)):
        await copy_rows(db, "audit_events", more, id="gen_random_uuid()")
        assert [await store.count_events(filter) for filter in filters] == [expected] * 3
