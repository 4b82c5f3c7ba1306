"""The gRPC edge in this process, with real tokens and fakes behind it: `edge` is a client of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from account.rpc import AccountRpc
from account.tests.fakes import World
from kit.auth import Principal, SigningKeys, TokenVerifier
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as

PASSWORD = "SecurePass123!"


@dataclass
class Edge:
    """A client of a running server."""

    channel: Channel
    world: World
    verifier: TokenVerifier

    async def call(self, caller: Principal | None, method: str, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        with acting_as(caller):
            return await self.channel.call(method, request(**fields), response)

    async def register(self, **fields: Any) -> pb.RegisterResponse:
        given = {"name": "John Doe", "email": f"{uuid4().hex}@example.com", "password": PASSWORD, **fields}
        answer: pb.RegisterResponse = await self.call(None, "Register", **given)
        return answer

    async def login(self, email: str, password: str = PASSWORD) -> pb.LoginResponse:
        answer: pb.LoginResponse = await self.call(None, "Login", email=email, password=password)
        return answer

    async def caller(self, tokens: account_pb2.Tokens) -> Principal:
        return replace(await self.verifier.verify(tokens.access_token), token=tokens.access_token)

    async def person(self) -> tuple[Principal, account_pb2.Account]:
        answer = await self.register()
        return await self.caller(answer.tokens), answer.account

    async def admin(self) -> Principal:
        email = (await self.register()).account.email
        await self.world.accounts.grant_admin(email)
        return await self.caller((await self.login(email)).tokens)

    async def verify(self, access_token: str) -> pb.VerifyTokenResponse:
        answer: pb.VerifyTokenResponse = await self.call(None, "VerifyToken", access_token=access_token)
        return answer


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    keys = SigningKeys.generate(tmp_path / "keys.json")
    world, verifier = World(keys), TokenVerifier(keys.public)
    servicer = AccountRpc(world.accounts, world.credentials, world.links, world.sessions, verifier)
    server = Server([servicer], host="127.0.0.1", port=0, verifier=verifier)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", AccountRpc.service)
    await channel.open()
    yield Edge(channel, world, verifier)
    await channel.close()
    await server.stop(0)
