"""The whole service on PostgreSQL and Kafka, with its public keys over HTTP and its command."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server as WebServer
from kafka import KafkaConsumer
from souk.account.v1 import account_service_pb2 as pb

from account.app import build
from account.rpc import AccountRpc
from account.settings import Settings
from kit.auth import Principal, Role, TokenVerifier
from kit.auth.verifier import jwks_over_http
from kit.errors import AlreadyExists, Unauthenticated
from kit.events import ensure_topics
from kit.rpc import Call, Channel, current_call
from kit.service import Service
from kit.service.life import Life
from kit.settings import load
from kit.testing import Kafka, eventually, free_port
from kit.testing.fixtures import database_url, kafka, postgres
from kit.values import ACCOUNT
from kit.web import build_app
from kit.web.health import Phase

__all__ = ["database_url", "kafka", "postgres"]

PASSWORD = "SecurePass123!"


@dataclass
class Running:
    """The service, somebody who verifies tokens elsewhere, and what is published."""

    channel: Channel
    service: Service
    elsewhere: TokenVerifier
    bootstrap: str

    async def call(self, method: str, caller: Principal | None = None, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        token = current_call.set(Call(principal=caller))
        try:
            return await self.channel.call(method, request(**fields), response)
        finally:
            current_call.reset(token)

    async def register(self, email: str = "") -> pb.RegisterResponse:
        email = email or f"{uuid4().hex}@example.com"
        made: pb.RegisterResponse = await self.call(
            "Register", name="John Doe", email=email, password=PASSWORD
        )
        return made

    async def principal(self, access_token: str) -> Principal:
        return replace(await self.elsewhere.verify(access_token), token=access_token)

    async def told(self, key: str, count: int) -> list[str]:
        """Waits for that many facts of an account, and answers all of their types."""

        async def arrived() -> list[str]:
            types = await asyncio.to_thread(self._types, key)
            return types if len(types) >= count else []

        return await eventually(arrived, seconds=30)

    def _types(self, key: str) -> list[str]:
        options = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "consumer_timeout_ms": 500}
        consumer = KafkaConsumer("souk.account.v1", bootstrap_servers=self.bootstrap, **options)
        found = [
            dict(record.headers)["ce_type"].decode() for record in consumer if record.key == key.encode()
        ]
        consumer.close()
        return [name.rpartition(".")[2] for name in found]


@pytest.fixture
async def running(database_url: str, kafka: Kafka, tmp_path: Path) -> AsyncIterator[Running]:
    port = free_port()
    environment = {
        "PROFILE": "development",
        "GRPC_PORT": str(free_port()),
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP": kafka.bootstrap(),
        "SIGNING_KEYS_FILE": str(tmp_path / "keys.json"),
        "BCRYPT_COST": "10",
    }
    settings = load(Settings, environment)
    service = build(settings)
    assert service.migrations
    await service.migrations.apply(database_url)
    await asyncio.to_thread(ensure_topics, kafka.bootstrap(), service.topics())
    failures: list[str] = []
    life = Life(service, lambda: failures.append("start"))
    web = WebServer(
        build_app(service.routes, life.readiness),
        "127.0.0.1",
        port,
        interface=Interfaces.ASGI,
        log_enabled=False,
    )
    serving = asyncio.create_task(web.serve())
    life.start()
    await eventually(lambda: life.readiness.phase is Phase.SERVING or failures, seconds=30)
    assert not failures
    channel = Channel(f"127.0.0.1:{settings.grpc_port}", AccountRpc.service)
    await channel.open()
    elsewhere = TokenVerifier(jwks_over_http(f"http://127.0.0.1:{port}/.well-known/jwks.json"))
    yield Running(channel, service, elsewhere, kafka.bootstrap())
    await channel.close()
    web.stop()  # type: ignore[no-untyped-call]
    await serving
    await life.stop()


async def test_who_registers_is_told_once_and_known_everywhere(running: Running) -> None:
    answer = await running.register()

    caller = await running.principal(answer.tokens.access_token)
    assert (ACCOUNT.format(caller.account_id), caller.role) == (answer.account.id, Role.USER)
    found = await running.call("GetAccount", caller, account_id=answer.account.id)
    assert found.account == answer.account
    assert await running.told(answer.account.id, 1) == ["AccountRegistered"]


async def test_one_address_registered_many_times_at_once_makes_one_account(running: Running) -> None:
    email = f"{uuid4().hex}@example.com"

    outcomes = await asyncio.gather(*[running.register(email) for _ in range(5)], return_exceptions=True)

    [made] = [outcome for outcome in outcomes if isinstance(outcome, pb.RegisterResponse)]
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 4
    assert await running.told(made.account.id, 1) == ["AccountRegistered"]


async def test_an_admin_is_made_on_the_console_and_signs_in_anew(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await running.register()
    account, before = answer.account, answer.tokens.access_token

    await running.service.commands["grant_admin"]([account.email])

    assert f"{account.email} is ADMIN" in capsys.readouterr().out
    with pytest.raises(Unauthenticated):
        await running.call("VerifyToken", access_token=before)
    tokens = (await running.call("Login", email=account.email, password=PASSWORD)).tokens
    assert (await running.principal(tokens.access_token)).role is Role.ADMIN
    told = ["AccountRegistered", "SessionEnded", "AccountUpdated"]
    assert await running.told(account.id, 3) == told
