"""What the audit log hears of other services, and what a deletion sets off here."""

from pathlib import Path
from typing import Any

import pytest
from souk.account.v1 import events_pb2 as account
from souk.audit.v1 import events_pb2 as audit

from account.consumers import AccountEvents
from account.tests.fakes import World
from kit.auth import SigningKeys
from kit.errors import InvalidArgument
from kit.events import Event
from kit.values import ACCOUNT, AUDIT, PRODUCT, SESSION, utc_now

ADMIN, SUBJECT = ACCOUNT.new(), PRODUCT.new()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(SigningKeys.generate(tmp_path / "keys.json"))


async def hears(world: World, body: Any) -> Event[Any]:
    event = Event(PRODUCT.new(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {})
    [reaction] = [
        each.handlers[type(body)]
        for each in AccountEvents(world.accounts).subscriptions()
        if type(body) in each.handlers
    ]
    async with world.db.transaction() as tx:
        await reaction(tx, event)  # type: ignore[operator]
    return event


async def test_admin_acted_is_kept_as_it_was_told(world: World) -> None:
    event = await hears(
        world,
        audit.AdminActed(
            actor_id=ACCOUNT.format(ADMIN),
            session_id=SESSION.format(SESSION.new()),
            action="catalog.update_product",
            subject_id=PRODUCT.format(SUBJECT),
            address="1.2.3.4",
        ),
    )
    [kept] = world.store.audits
    assert (kept.id, kept.time) == (AUDIT.derive(str(event.id)), event.time)
    assert (kept.event.action, kept.event.actor_id, kept.event.address) == (
        "catalog.update_product",
        ADMIN,
        "1.2.3.4",
    )
    assert (kept.event.subject_kind, kept.event.subject_id) == ("prod", SUBJECT)


async def test_admin_acted_of_nobody_is_not_kept(world: World) -> None:
    with pytest.raises(InvalidArgument):
        await hears(world, audit.AdminActed(action="x", subject_id=PRODUCT.format(SUBJECT)))
    assert not world.store.audits


async def test_account_deleted_lets_the_outbox_forget(world: World) -> None:
    await hears(world, account.AccountDeleted(account_id=ACCOUNT.format(ADMIN)))
    assert world.store.forgotten == [ADMIN]
