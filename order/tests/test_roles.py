"""Who may call OrderService, and what the audit log shows of ADMINs."""

import pytest

from kit.errors import (
    PermissionDenied,
    SoukError,
    Unauthenticated,
)
from kit.events import AdminActed
from kit.testing.principals import admin, customer
from kit.values import ACCOUNT, ORDER
from order.tests.edge import Edge, edge

__all__ = ["edge"]


async def test_a_former_admin_changes_nothing(edge: Edge) -> None:
    owner, former = edge.tokens.token(customer()), edge.tokens.token(admin())
    order = await edge.paid(owner)
    edge.admins.demoted.add(former.account_id)

    for call in (
        edge.move(former, order.id),
        edge.cancel(former, order.id),
        edge.place(former, account_id=ACCOUNT.format(owner.account_id)),
    ):
        with pytest.raises(PermissionDenied):
            await call
    assert await edge.get(owner, order.id) == order


async def test_changes_by_an_admin_are_published_to_the_audit_log(edge: Edge) -> None:
    owner, boss = edge.tokens.token(customer()), edge.tokens.token(admin())
    paid = await edge.paid(owner)
    placed = await edge.place(boss, account_id=ACCOUNT.format(owner.account_id))
    await edge.move(boss, paid.id)
    await edge.move(boss, paid.id)
    await edge.cancel(boss, placed.id)
    await edge.cancel(boss, (await edge.place(boss)).id)

    acted = [event for event in edge.shop.db.events if isinstance(event, AdminActed)]
    assert [(event.action, event.subject) for event in acted] == [
        ("order.place_order", placed.id),
        ("order.update_order_status", paid.id),
        ("order.cancel_order", placed.id),
    ]
    assert {event.actor_id for event in acted} == {boss.account_id}


async def test_every_rpc_requires_a_signed_in_caller(edge: Edge) -> None:
    rejected: list[type[SoukError]] = []
    order_id = ORDER.format(ORDER.new())
    calls = (edge.place(None), edge.get(None, order_id), edge.list(None))
    account_id = ACCOUNT.format(ACCOUNT.new())
    others = (edge.cancel(None, order_id), edge.move(None, order_id), edge.close(None, account_id))
    for call in (*calls, *others):
        with pytest.raises(Unauthenticated) as rejection:
            await call
        rejected.append(rejection.type)

    assert rejected == [Unauthenticated] * 6
