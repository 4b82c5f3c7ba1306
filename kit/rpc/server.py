"""The server's side: servicers on grpc.aio, with health and reflection.

Each RPC is served twice: as a gRPC method of its own, and on the streams of `souk.rpc.v1` that our own clients speak.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]
from grpc_reflection.v1alpha import reflection
from souk.rpc.v1 import call_service_pb2

from kit.identity import Identity, ReloadingCertificate
from kit.rpc.callers import Callers
from kit.rpc.exchange import Exchanges, Served
from kit.rpc.front import Front
from kit.rpc.handler import Verifier, handler, unary
from kit.rpc.status import MESSAGE_BYTES, METADATA_BYTES

OPTIONS = (
    ("grpc.max_concurrent_streams", 1000),
    ("grpc.so_reuseport", 0),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES),
    # Peers ping idle connections every 30 s (kit.rpc.channel).
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    # A connection ends after a minute, a tenth more or less, so that who calls looks the name up again and finds replicas that were
    # added. The grace is longer than a stream is used (kit.rpc.stream) and its longest call lasts: nothing is cut off.
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 120_000),
)

_CALLS = call_service_pb2.DESCRIPTOR.services_by_name["CallService"]


class Servicer(Protocol):
    """A class with one coroutine per RPC, named in snake_case: `async def place_order(self, request, call)`."""

    service: ServiceDescriptor


class Server:
    """Serves the servicers; one that lacks an RPC of its service fails here, not when it is called.

    With an `identity`, by mutual TLS, and only for the `callers` that are listed (kit.rpc.callers).
    """

    def __init__(
        self,
        servicers: Sequence[Servicer],
        *,
        host: str,
        port: int,
        verifier: Verifier | None = None,
        identity: Identity | None = None,
        callers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._host = host
        self._identity = identity
        guards = Callers(callers or {}, enforced=identity.requires) if identity is not None else None
        self._served: dict[str, dict[str, Served]] = {
            servicer.service.full_name: _served(servicer, verifier, guards) for servicer in servicers
        }
        self._exchanges = Exchanges(
            {
                f"{service}/{name}": served
                for service, rpcs in self._served.items()
                for name, served in rpcs.items()
            }
        )
        self._health = health.HealthServicer()
        self._server: Any = None
        self._front: Front | None = None
        self._credentials: grpc.ServerCredentials | None = None
        self.port = port

    async def start(self) -> None:
        """Listens; raises OSError when the address is taken. Health says NOT_SERVING until `serving()`."""
        server = grpc.aio.server(options=OPTIONS)
        for name, rpcs in self._served.items():
            handlers = {rpc: _unary(served) for rpc, served in rpcs.items()}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
            server.add_registered_method_handlers(name, handlers)
        exchange = {"Exchange": _exchange(self._exchanges)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_CALLS.full_name, exchange),))
        server.add_registered_method_handlers(_CALLS.full_name, exchange)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)  # type: ignore[no-untyped-call]
        await self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        reflection.enable_server_reflection(  # type: ignore[no-untyped-call]
            (*self._served, _CALLS.full_name, HEALTH, reflection.SERVICE_NAME), server
        )
        address = f"{self._host}:{self.port}"
        try:
            await self._listen(server, address)
        except (RuntimeError, OSError) as error:
            await server.stop(0)
            raise OSError(f"gRPC cannot listen on {address}: the port is taken") from error
        await server.start()
        self._server = server

    async def _listen(self, server: Any, address: str) -> None:
        if self._identity is None:
            self.port = server.add_insecure_port(address)
            return
        # Kept: gRPC asks it at each handshake and does not keep it itself.
        self._credentials = _credentials(self._identity.certificates)
        if self._identity.requires:
            self.port = server.add_secure_port(address, self._credentials)
            return
        self._front = Front(
            tls=server.add_secure_port("127.0.0.1:0", self._credentials),
            plain=server.add_insecure_port("127.0.0.1:0"),
        )
        await self._front.start(self._host, self.port)
        self.port = self._front.port

    async def serving(self) -> None:
        """Health says SERVING from now on."""
        await self._tell(health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """Health says NOT_SERVING from now on; calls are still answered."""
        await self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def stop(self, grace: float) -> None:
        """Takes no new calls; those in flight have `grace` seconds to end."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            self._exchanges.going_away()
            if self._front is not None:
                self._front.refuse()
            await self._server.stop(grace)
            if self._front is not None:
                await self._front.stop()
            self._server = self._front = None

    async def _tell(self, status: Any) -> None:
        for name in ("", *self._served):
            await self._health.set(name, status)


def _credentials(certificates: ReloadingCertificate) -> grpc.ServerCredentials:
    """Asks each client for a certificate of our authorities; gRPC calls `current` at each handshake, from a thread of its own."""

    def current() -> Any:
        material = certificates.current()
        return grpc.ssl_server_certificate_configuration(
            [(material.key, material.chain)], material.authorities
        )

    return grpc.dynamic_ssl_server_credentials(current(), current, require_client_authentication=True)


def _served(servicer: Servicer, verifier: Verifier | None, guards: Callers | None) -> dict[str, Served]:
    missing = [
        method.name for method in servicer.service.methods if not hasattr(servicer, snake(method.name))
    ]
    if missing:
        raise TypeError(f"{type(servicer).__name__} lacks {', '.join(missing)}")
    return {
        method.name: Served(
            GetMessageClass(method.input_type).FromString,
            handler(
                servicer.service,
                method.name,
                getattr(servicer, snake(method.name)),
                verifier,
                guards.of(servicer.service, method.name) if guards is not None else None,
            ),
            servicer.service.file.package,
        )
        for method in servicer.service.methods
    }


def _unary(served: Served) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        unary(served.handle, served.domain),
        request_deserializer=served.parse,
        response_serializer=_serialize,
    )


def _exchange(exchanges: Exchanges) -> Any:
    return grpc.stream_stream_rpc_method_handler(
        exchanges.serve,
        request_deserializer=call_service_pb2.ExchangeRequest.FromString,
        response_serializer=call_service_pb2.ExchangeResponse.SerializeToString,
    )


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def snake(name: str) -> str:
    """PlaceOrder -> place_order"""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
