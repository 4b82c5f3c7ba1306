"""The whole service on PostgreSQL and Kafka, with its public keys over HTTP and its console commands."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from souk.account.v1 import account_service_pb2 as pb

from account.tests.running import PASSWORD, Running, running
from kit.auth import Role
from kit.errors import AlreadyExists, Unauthenticated
from kit.events import AdminActed
from kit.testing import eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.running_service import running_service as running_service
from kit.values import ACCOUNT, PRODUCT

__all__ = ["database_url", "kafka", "postgres", "running"]


async def test_a_registration_is_published_once_and_its_token_is_accepted_by_other_services(
    running: Running,
) -> None:
    registered = await running.register()

    caller = await running.principal(registered.tokens.access_token)
    assert (ACCOUNT.format(caller.account_id), caller.role) == (registered.account.id, Role.USER)
    response = await running.call("GetAccount", caller, account_id=registered.account.id)
    assert response.account == registered.account
    assert await running.events(registered.account.id, 1) == ["AccountRegistered"]


async def test_parallel_registrations_of_one_address_create_one_account(running: Running) -> None:
    email = f"{uuid4().hex}@example.com"

    outcomes = await asyncio.gather(*[running.register(email) for _ in range(5)], return_exceptions=True)

    [registered] = [outcome for outcome in outcomes if isinstance(outcome, pb.RegisterResponse)]
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 4
    assert await running.events(registered.account.id, 1) == ["AccountRegistered"]


async def test_an_admin_granted_on_the_console_has_to_sign_in_again(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    registered = await running.register()
    account, before = registered.account, registered.tokens.access_token

    await running.service.commands["grant_admin"]([account.email])

    assert f"{account.email} is ADMIN" in capsys.readouterr().out
    with pytest.raises(Unauthenticated):
        await running.call("VerifyToken", access_token=before)
    tokens = (await running.call("Login", email=account.email, password=PASSWORD)).tokens
    assert (await running.principal(tokens.access_token)).role is Role.ADMIN
    events = ["AccountRegistered", "SessionEnded", "AccountUpdated"]
    assert await running.events(account.id, 3) == events


async def test_other_services_reject_a_revoked_session_within_five_seconds(running: Running) -> None:
    caller = await running.principal((await running.register()).tokens.access_token)

    await running.call("Logout", caller)

    async def rejected() -> bool:
        try:
            await running.verifier.verify(caller.token)
        except Unauthenticated:
            return True
        return False

    await eventually(rejected, seconds=5)


async def test_only_the_id_of_a_deleted_account_remains(running: Running) -> None:
    registered = await running.register(f"gone-{uuid4().hex}@example.com")
    account = registered.account
    caller = await running.principal(registered.tokens.access_token)

    await running.call("DeleteAccount", caller, password=PASSWORD)

    assert running.orders.closed == [(account.id, True)]
    assert await running.events(account.id, 3) == ["AccountRegistered", "SessionEnded", "AccountDeleted"]

    async def purged() -> bool:
        rows = await running.db.fetch("SELECT payload FROM outbox WHERE key = $1", account.id)
        return not any(account.email.encode() in row["payload"] for row in rows)

    await eventually(purged, seconds=30)
    for table in ("accounts", "sessions", "refresh_tokens", "mailed_links", "devices", "audit_events"):
        rows = await running.db.fetch(f"SELECT t::text AS text FROM {table} AS t")
        assert not any(account.email in row["text"] for row in rows), table
    again = await running.register(account.email)
    assert again.account.id != account.id


async def test_an_admins_action_in_another_service_is_recorded_once(running: Running) -> None:
    account = (await running.register()).account
    await running.service.commands["grant_admin"]([account.email])
    tokens = (await running.call("Login", email=account.email, password=PASSWORD)).tokens
    admin = await running.principal(tokens.access_token)
    product = PRODUCT.format(PRODUCT.new())
    acted = AdminActed.by(admin, "catalog.update_product", product, "1.2.3.4")
    await running.publish(acted, times=2)

    async def entries() -> Any:
        return (await running.call("ListAuditEvents", admin, subject_id=product)).entries

    [entry] = await eventually(entries, seconds=30)
    event = entry.audit_event
    assert (event.action, event.actor_id, event.address) == (
        "catalog.update_product",
        account.id,
        "1.2.3.4",
    )


async def test_tokens_stay_valid_when_keys_are_rotated(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    account = (await running.register()).account
    before = await running.principal(
        (await running.call("Login", email=account.email, password=PASSWORD)).tokens.access_token
    )

    await running.service.commands["rotate_keys"]([])

    assert "new key" in capsys.readouterr().out
    await running.call("GetAccount", before, account_id=account.id)
    assert (await running.verifier.verify(before.token)).account_id == before.account_id
    [row] = await running.db.fetch("SELECT address FROM audit_events WHERE action = 'account.rotate_keys'")
    assert row["address"] == "console"
