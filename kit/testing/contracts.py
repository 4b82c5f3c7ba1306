"""Both sides of a contract in tests: calls as somebody, and services that stand in for a peer."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from kit.auth import Principal
from kit.rpc import Call, current_call


@contextmanager
def acting_as(caller: Principal | None) -> Iterator[None]:
    """What is called in the block is called as somebody, or as nobody."""
    token = current_call.set(Call(principal=caller))
    try:
        yield
    finally:
        current_call.reset(token)


class UnimplementedServicer:
    """To inherit from: an RPC that a stand-in does not list is one that nobody is to call. Contracts grow."""

    def __getattr__(self, name: str) -> Callable[[Any, Call], Awaitable[Any]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def unasked(request: Any, call: Call) -> Any:
            raise AssertionError(f"{name} was called, which no test expects")

        return unasked


class FakeAccountService(UnimplementedServicer):
    """An account service that takes every token for an ADMIN's."""

    service = pb.DESCRIPTOR.services_by_name["AccountService"]

    async def verify_token(self, request: pb.VerifyTokenRequest, call: Call) -> pb.VerifyTokenResponse:
        """VerifyToken."""
        return pb.VerifyTokenResponse(role=account_pb2.ROLE_ADMIN)
