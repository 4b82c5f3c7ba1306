"""The RPCs on an in-process server with real tokens and fake ports: the fixture `edge` is a client of it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb
from souk.account.v1 import address_service_pb2 as address_pb
from souk.account.v1 import guest_service_pb2 as guest_pb

from account.addresses.rpc import AddressRpc
from account.links.domain import LinkRequested
from account.rpc import AccountServiceRpc, GuestRpc
from account.tests.fakes import World
from kit.auth import Principal, SigningKeys, TokenVerifier
from kit.errors import Unauthenticated
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as

PASSWORD = "SecurePass123!"


@dataclass
class Edge:
    """A client of a running server."""

    channels: Mapping[Any, Channel]
    world: World
    verifier: TokenVerifier

    async def call(self, caller: Principal | None, method: str, *, service: Any = pb, **fields: Any) -> Any:
        request, response = (getattr(service, method + kind) for kind in ("Request", "Response"))
        with acting_as(caller):
            return await self.channels[service].call(method, request(**fields), response)

    async def register(self, **fields: Any) -> pb.RegisterResponse:
        defaults = {"name": "John Doe", "email": f"{uuid4().hex}@example.com", "password": PASSWORD}
        response: pb.RegisterResponse = await self.call(None, "Register", **(defaults | fields))
        return response

    async def login(self, email: str, password: str = PASSWORD) -> pb.LoginResponse:
        response: pb.LoginResponse = await self.call(None, "Login", email=email, password=password)
        return response

    async def caller(self, tokens: account_pb2.Tokens) -> Principal:
        return await self.caller_of(tokens.access_token)

    async def caller_of(self, access_token: str) -> Principal:
        return replace(await self.verifier.verify(access_token), token=access_token)

    async def customer(self) -> tuple[Principal, account_pb2.Account]:
        response = await self.register()
        return await self.caller(response.tokens), response.account

    async def admin(self) -> Principal:
        email = (await self.register()).account.email
        await self.world.roles.grant_admin(email)
        return await self.caller((await self.login(email)).tokens)

    async def verify(self, access_token: str) -> pb.VerifyTokenResponse:
        response: pb.VerifyTokenResponse = await self.call(None, "VerifyToken", access_token=access_token)
        return response

    async def is_revoked(self, access_token: str) -> bool:
        try:
            await self.verify(access_token)
        except Unauthenticated:
            return True
        return False

    def last_link(self) -> str:
        """The token of the link that was mailed last."""
        [*_, link] = [event for event in self.world.db.events if isinstance(event, LinkRequested)]
        return link.sealed_token.decode()


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    keys = SigningKeys.generate(tmp_path / "keys.json")
    world, verifier = World(keys), TokenVerifier(keys.public)
    servicers: dict[Any, Any] = {
        pb: AccountServiceRpc(world, verifier),
        address_pb: AddressRpc(world.addresses),
        guest_pb: GuestRpc(world, TokenVerifier(keys.public)),
    }
    server = Server([*servicers.values()], host="127.0.0.1", port=0, verifier=verifier)
    await server.start()
    channels = {
        module: Channel(f"127.0.0.1:{server.port}", servicer.service)
        for module, servicer in servicers.items()
    }
    for channel in channels.values():
        await channel.open()
    yield Edge(channels, world, verifier)
    for channel in channels.values():
        await channel.close()
    await server.stop(0)
