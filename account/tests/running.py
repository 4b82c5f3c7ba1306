"""The whole service on PostgreSQL and Kafka, and a verifier of another service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from souk.account.v1 import account_service_pb2 as pb
from souk.order.v1 import order_service_pb2 as order_pb

from account.app import build
from account.rpc import AccountServiceRpc
from account.settings import Settings
from kit.auth import Principal, Role, TokenVerifier
from kit.auth.verifier import jwks_fetcher
from kit.db import Database
from kit.events import AUDIT, AdminActed
from kit.rpc import Call, Channel, Server
from kit.service import Service
from kit.service.revoked_sessions import RevokedSessionsListener
from kit.settings import load
from kit.testing import Kafka, free_port
from kit.testing.contracts import UnimplementedServicer, acting_as
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import event_types, publish, wait_for_records
from kit.testing.running_service import running_service as running_service
from kit.values import ACCOUNT, SESSION

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
    channel = Channel(f"127.0.0.1:{settings.grpc_port}", AccountServiceRpc.service)
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
