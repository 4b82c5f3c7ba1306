"""Actions of administrators in other services become entries of the audit log."""

from pathlib import Path

import pytest
from souk.audit.v1 import events_pb2 as pb

from account.audit.consumers import AuditEvents
from account.tests.consuming import consume
from account.tests.fakes import World
from kit.auth import SigningKeys
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, AUDIT, PRODUCT, SESSION

ADMIN, SUBJECT = ACCOUNT.new(), PRODUCT.new()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(SigningKeys.generate(tmp_path / "keys.json"))


async def test_admin_acted_is_recorded(world: World) -> None:
    message = pb.AdminActed(
        actor_id=ACCOUNT.format(ADMIN),
        session_id=SESSION.format(SESSION.new()),
        action="catalog.update_product",
        subject_id=PRODUCT.format(SUBJECT),
        address="1.2.3.4",
    )
    event = await consume(world, AuditEvents(world.audit).subscriptions(), message)

    [record] = world.store.audits
    assert (record.id, record.time) == (AUDIT.derive(str(event.id)), event.time)
    recorded = (record.event.action, record.event.actor_id, record.event.address)
    assert recorded == ("catalog.update_product", ADMIN, "1.2.3.4")
    assert (record.event.subject_kind, record.event.subject_id) == ("prod", SUBJECT)


async def test_admin_acted_without_an_actor_is_rejected(world: World) -> None:
    message = pb.AdminActed(action="x", subject_id=PRODUCT.format(SUBJECT))
    with pytest.raises(InvalidArgument):
        await consume(world, AuditEvents(world.audit).subscriptions(), message)
    assert not world.store.audits
