"""Both sides of a contract in tests: calls on behalf of a principal, and fake peer services."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from kit.auth import Principal
from kit.rpc import Call, current_call


@contextmanager
def acting_as(caller: Principal | None) -> Iterator[None]:
    """Makes calls in the block as `caller`, or anonymously with None."""
    token = current_call.set(Call(principal=caller))
    try:
        yield
    finally:
        current_call.reset(token)


class UnimplementedServicer:
    """Base class of fake services: calling an RPC that the fake does not implement fails the test."""

    def __getattr__(self, name: str) -> Callable[[Any, Call], Awaitable[Any]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def unimplemented(request: Any, call: Call) -> Any:
            raise AssertionError(f"unexpected call of {name}")

        return unimplemented


class FakeAccountService(UnimplementedServicer):
    """A fake account service that accepts every token as an ADMIN's."""

    service = pb.DESCRIPTOR.services_by_name["AccountService"]

    async def verify_token(self, request: pb.VerifyTokenRequest, call: Call) -> pb.VerifyTokenResponse:
        """VerifyToken."""
        return pb.VerifyTokenResponse(role=account_pb2.ROLE_ADMIN)
