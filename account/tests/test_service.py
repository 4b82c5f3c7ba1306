"""The whole service on PostgreSQL and Kafka, with its public keys over HTTP and its console commands."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from souk.account.v1 import account_service_pb2 as pb
from souk.account.v1 import events_pb2 as events_pb
from souk.order.v1 import order_service_pb2 as order_pb

from account.app import build
from account.rpc import AccountRpc
from account.settings import Settings
from kit.auth import DEVELOPMENT_SEALING_KEY, Principal, Role, Sealer, TokenVerifier
from kit.auth.verifier import jwks_fetcher
from kit.db import Database
from kit.errors import AlreadyExists, InvalidArgument, SoukError, Unauthenticated
from kit.events import AUDIT, AdminActed
from kit.rpc import Call, Channel, Server, current_call
from kit.service import Service
from kit.service.revoked_sessions import RevokedSessionsListener
from kit.settings import load
from kit.testing import Kafka, eventually, free_port
from kit.testing.contracts import UnimplementedServicer, acting_as
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import event_types, publish, wait_for_records
from kit.testing.running_service import running_service as running_service
from kit.values import ACCOUNT, PRODUCT, SESSION

__all__ = ["database_url", "kafka", "postgres"]

PASSWORD = "SecurePass123!"
TOPIC = "souk.account.v1"


class OrderRpc(UnimplementedServicer):
    """An order service that records the accounts whose orders it was asked to close."""

    service = order_pb.DESCRIPTOR.services_by_name["OrderService"]

    def __init__(self) -> None:
        self.closed: list[tuple[str, bool]] = []

    async def close_account_orders(self, request: Any, call: Call) -> order_pb.CloseAccountOrdersResponse:
        self.closed.append((request.account_id, call.principal is not None))
        return order_pb.CloseAccountOrdersResponse()


class AcceptAllTokens:
    """Accepts every token, as one of a new account."""

    async def verify(self, token: str) -> Principal:
        return Principal(ACCOUNT.new(), Role.USER, SESSION.new(), token)


@dataclass
class Running:
    """The running service, a verifier of another service, and the published events."""

    channel: Channel
    service: Service
    verifier: TokenVerifier
    bootstrap: str
    orders: "OrderRpc"
    db: Database

    async def call(self, method: str, caller: Principal | None = None, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        with acting_as(caller):
            return await self.channel.call(method, request(**fields), response)

    async def register(self, email: str = "") -> pb.RegisterResponse:
        email = email or f"{uuid4().hex}@example.com"
        response: pb.RegisterResponse = await self.call(
            "Register", name="John Doe", email=email, password=PASSWORD
        )
        return response

    async def principal(self, access_token: str) -> Principal:
        return replace(await self.verifier.verify(access_token), token=access_token)

    async def events(self, key: str, count: int) -> list[str]:
        """Waits for `count` events of an account, and returns the types of all of them."""
        records = await wait_for_records(
            self.bootstrap, TOPIC, count, lambda record: record.key == key.encode()
        )
        return event_types(records)

    async def bodies(self, key: str, message: Any) -> list[Any]:
        """Waits for an account's events of one type."""

        def matches(record: Any) -> bool:
            return record.key == key.encode() and event_types([record]) == [message.DESCRIPTOR.name]

        records = await wait_for_records(self.bootstrap, TOPIC, 1, matches)
        return [message.FromString(record.value) for record in records]

    async def publish(self, event: AdminActed, *, times: int) -> None:
        """Publishes an event as another service does, with redeliveries."""
        await publish(self.bootstrap, AUDIT, [event], times=times)


@pytest.fixture
async def running(database_url: str, kafka: Kafka, tmp_path: Path) -> AsyncIterator[Running]:
    port = free_port()
    orders = OrderRpc()
    peer = Server([orders], host="127.0.0.1", port=0, verifier=AcceptAllTokens())
    await peer.start()
    environment = {
        "PROFILE": "development",
        "HTTP_PORT": str(port),
        "GRPC_PORT": str(free_port()),
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP": kafka.bootstrap(),
        "SIGNING_KEYS_FILE": str(tmp_path / "keys.json"),
        "BCRYPT_COST": "10",
        "ORDER_ADDRESS": f"127.0.0.1:{peer.port}",
    }
    settings = load(Settings, environment)
    service = build(settings)
    channel = Channel(f"127.0.0.1:{settings.grpc_port}", AccountRpc.service)
    await channel.open()
    verifier = TokenVerifier(jwks_fetcher(f"http://127.0.0.1:{port}/.well-known/jwks.json"))
    news = RevokedSessionsListener(kafka.bootstrap(), verifier.revoked_sessions)
    async with running_service(service, database_url, kafka):
        await news.open()
        await news.wait_until_caught_up(20)
        assert service.database
        yield Running(channel, service, verifier, kafka.bootstrap(), orders, service.database)
        await news.close()
    await channel.close()
    await peer.stop(0)


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


async def test_an_address_with_a_nul_neither_signs_in_nor_requests_a_mail(running: Running) -> None:
    account = (await running.register()).account
    for email in (f"{account.email}\0", f"\0{account.email}", account.email.replace("@", "\0@")):
        with pytest.raises(Unauthenticated) as error:
            await running.call("Login", email=email, password=PASSWORD)
        assert error.value.reason == "BAD_CREDENTIALS"
        await running.call("RequestPasswordReset", email=email)
    assert await running.db.fetch("SELECT * FROM mailed_links") == []


async def test_sixteen_parallel_logins_start_sixteen_sessions(running: Running) -> None:
    account = (await running.register()).account

    async def login() -> str:
        response = await running.call("Login", email=account.email, password=PASSWORD)
        return str(response.tokens.refresh_token)

    assert len(set(await asyncio.gather(*(login() for _ in range(16))))) == 16
    [sessions] = await running.db.fetch("SELECT count(*) FROM sessions WHERE end_time IS NULL")
    assert sessions["count"] == 17


async def test_wrong_passwords_from_one_network_do_not_lock_out_the_owner(running: Running) -> None:
    registered = await running.register()
    email = registered.account.email

    async def login(address: str, password: str, **more: str) -> Any:
        token = current_call.set(Call(address=address))
        try:
            return await running.channel.call(
                "Login", pb.LoginRequest(email=email, password=password, **more), pb.LoginResponse
            )
        except SoukError as error:
            return error.reason
        finally:
            current_call.reset(token)

    wrong = [await login("198.51.100.66", "wrong-password") for _ in range(11)]
    assert wrong == ["BAD_CREDENTIALS"] * 10 + ["LOGIN_THROTTLED"]
    assert await login("198.51.100.66", PASSWORD) == "LOGIN_THROTTLED"
    for address, more in (
        ("192.0.2.1", {}),
        ("198.51.100.66", {"device_token": registered.device_token}),
    ):
        assert (await login(address, PASSWORD, **more)).account == registered.account


async def test_a_mailed_link_sets_a_password_once(running: Running) -> None:
    account = (await running.register()).account
    await running.call("RequestPasswordReset", email=account.email)
    [requested] = await running.bodies(account.id, events_pb.PasswordResetRequested)
    token = Sealer(DEVELOPMENT_SEALING_KEY).unseal(requested.sealed_token)

    outcomes = await asyncio.gather(
        *(running.call("ResetPassword", token=token, new_password=f"AnotherPass{n}!") for n in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, InvalidArgument) for outcome in outcomes) == 3
    with pytest.raises(Unauthenticated):
        await running.call("Login", email=account.email, password=PASSWORD)
    stored = await running.db.fetch("SELECT payload FROM outbox WHERE key = $1", account.id)
    assert all(token.encode() not in row["payload"] for row in stored)


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


async def test_a_storm_of_logins_does_not_slow_down_other_calls(running: Running) -> None:
    registered = await running.register()
    caller = await running.principal(registered.tokens.access_token)

    async def storm() -> None:
        guesses = [running.call("Login", email=f"{n}@example.com", password="x" * 8) for n in range(200)]
        outcomes = await asyncio.gather(*guesses, return_exceptions=True)
        # Rejected for the password, or because it could not be checked in time.
        assert all(isinstance(outcome, SoukError) for outcome in outcomes)

    raging, times = asyncio.create_task(storm()), []
    while not raging.done():
        started = time.perf_counter()
        await running.call("GetAccount", caller, account_id=registered.account.id)
        times.append(time.perf_counter() - started)
        await asyncio.sleep(0.01)
    await raging
    assert len(times) >= 20
    # A hash takes 60 ms or more. On the event loop, a call would wait for all 200.
    assert sorted(times)[len(times) // 2] < 0.1
    assert sorted(times)[int(len(times) * 0.95)] < 0.5
