"""Base of clients of another service, with a method per RPC that they call."""

from typing import TypeVar

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from kit.identity import Identity
from kit.rpc.channel import Channel, service_name

M = TypeVar("M", bound=Message)


class Peer:
    """Base class of a resource named after the service. Deadlines and retries are configured beside the contract."""

    def __init__(self, address: str, service: ServiceDescriptor, identity: Identity | None = None) -> None:
        self.name = service_name(service)
        self._channel = Channel(address, service, identity)

    async def open(self) -> None:
        """Opens the channel."""
        await self._channel.open()

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def ping(self) -> None:
        """Raises Unavailable unless the service is serving."""
        await self._channel.ping()

    async def _call(self, method: str, request: Message, response: type[M]) -> M:
        return await self._channel.call(method, request, response)

    async def _call_encoded(self, method: str, request: Message) -> bytes:
        return await self._channel.call_encoded(method, request)
