"""The server side: servicers on grpc.aio, with health checks and reflection.

Each RPC is served as a regular gRPC method and on the streams of `souk.rpc.v1`, which our own clients use.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]
from grpc_reflection.v1alpha import reflection
from souk.rpc.v1 import call_service_pb2

from kit.identity import CertificateMaterial, Identity, ReloadingCertificate
from kit.rpc.allowed_callers import AllowedCallers
from kit.rpc.composed_servicer import snake_case
from kit.rpc.handler import Response, Verifier, handler, unary
from kit.rpc.multiplexer import CallMultiplexer, MethodHandler
from kit.rpc.shared_port import SharedPort
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
    # Connections end after a minute, plus or minus 10 %, so that clients resolve the name again and find new replicas. The grace period
    # exceeds the use of a stream (kit.rpc.stream) plus its longest call, so no call is interrupted.
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 120_000),
)

_REPLACEMENT_DELAY_SECONDS = 0.1

_CALLS = call_service_pb2.DESCRIPTOR.services_by_name["CallService"]


class Servicer(Protocol):
    """A class with one coroutine per RPC, named in snake_case: `async def place_order(self, request, call)`."""

    service: ServiceDescriptor


class Server:
    """Serves the servicers; raises TypeError when one lacks an RPC of its service.

    With an `identity` it uses mutual TLS and only admits the listed `callers` (kit.rpc.allowed_callers).
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
        allowed_callers = (
            AllowedCallers(callers or {}, enforced=identity.requires_tls) if identity is not None else None
        )
        self._methods: dict[str, dict[str, MethodHandler]] = {
            servicer.service.full_name: _methods(servicer, verifier, allowed_callers)
            for servicer in servicers
        }
        self._multiplexer = CallMultiplexer(
            {
                f"{service}/{name}": method
                for service, methods in self._methods.items()
                for name, method in methods.items()
            }
        )
        self._health = health.HealthServicer()
        self._server: Any = None
        self._shared_port: SharedPort | None = None
        self._credentials: grpc.ServerCredentials | None = None
        self.port = port

    async def start(self) -> None:
        """Listens; raises OSError when the address is in use. Health checks report NOT_SERVING until `set_serving()`."""
        server = grpc.aio.server(options=OPTIONS)
        for service, methods in self._methods.items():
            _register(server, service, {name: _unary(method) for name, method in methods.items()})
        _register(server, _CALLS.full_name, {"Exchange": _exchange(self._multiplexer)})
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)  # type: ignore[no-untyped-call]
        await self._set_health_status(health_pb2.HealthCheckResponse.NOT_SERVING)
        reflection.enable_server_reflection(  # type: ignore[no-untyped-call]
            (*self._methods, _CALLS.full_name, HEALTH, reflection.SERVICE_NAME), server
        )
        address = f"{self._host}:{self.port}"
        try:
            await self._listen(server, address)
        except (RuntimeError, OSError) as error:
            await server.stop(0)
            raise OSError(f"gRPC cannot listen on {address}: the port is in use") from error
        await server.start()
        self._server = server

    async def _listen(self, server: Any, address: str) -> None:
        if self._identity is None:
            self.port = server.add_insecure_port(address)
            return
        # Keeps a reference: gRPC uses the object at each handshake but does not hold one.
        self._credentials = _credentials(self._identity.certificates)
        if self._identity.requires_tls:
            self.port = server.add_secure_port(address, self._credentials)
            return
        self._shared_port = SharedPort(
            tls=server.add_secure_port("127.0.0.1:0", self._credentials),
            plain=server.add_insecure_port("127.0.0.1:0"),
        )
        await self._shared_port.start(self._host, self.port)
        self.port = self._shared_port.port

    async def set_serving(self) -> None:
        """Makes health checks report SERVING."""
        await self._set_health_status(health_pb2.HealthCheckResponse.SERVING)

    async def set_not_serving(self) -> None:
        """Makes health checks report NOT_SERVING; calls are still handled."""
        await self._set_health_status(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def stop(self, grace: float) -> None:
        """Accepts no new calls; calls in flight have `grace` seconds to finish."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            self._multiplexer.announce_shutdown()
            if self._shared_port is not None:
                self._shared_port.stop_accepting()
            await self._server.stop(grace)
            if self._shared_port is not None:
                await self._shared_port.stop()
            self._server = self._shared_port = None

    async def _set_health_status(self, status: Any) -> None:
        for name in ("", *self._methods):
            await self._health.set(name, status)


def _credentials(certificates: ReloadingCertificate) -> grpc.ServerCredentials:
    """Requires a client certificate of our authorities. gRPC calls `changed` at each handshake, from its own threads, one at a time."""
    used = certificates.current()

    def changed() -> Any:
        nonlocal used
        material = certificates.current()
        if material is used:
            return None
        # gRPC frees the previous configuration although a handshake that asked just before this one may not hold a reference to it yet:
        # the process would crash (`add_handshakers` in its ssl_security_connector.cc). That handshake gets the time to take one.
        time.sleep(_REPLACEMENT_DELAY_SECONDS)
        used = material
        return _configuration(material)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(used), changed, require_client_authentication=True
    )


def _configuration(material: CertificateMaterial) -> Any:
    return grpc.ssl_server_certificate_configuration([(material.key, material.chain)], material.authorities)


def _methods(
    servicer: Servicer, verifier: Verifier | None, allowed_callers: AllowedCallers | None
) -> dict[str, MethodHandler]:
    missing = [
        method.name for method in servicer.service.methods if not hasattr(servicer, snake_case(method.name))
    ]
    if missing:
        raise TypeError(f"{type(servicer).__name__} lacks {', '.join(missing)}")
    return {
        method.name: MethodHandler(
            GetMessageClass(method.input_type).FromString,
            handler(
                servicer.service,
                method.name,
                getattr(servicer, snake_case(method.name)),
                verifier,
                allowed_callers.of(servicer.service, method.name) if allowed_callers is not None else None,
            ),
            servicer.service.file.package,
        )
        for method in servicer.service.methods
    }


def _register(server: Any, service: str, handlers: dict[str, Any]) -> None:
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_registered_method_handlers(service, handlers)


def _unary(method: MethodHandler) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        unary(method.handle, method.domain),
        request_deserializer=method.parse,
        response_serializer=_serialize,
    )


def _exchange(multiplexer: CallMultiplexer) -> Any:
    return grpc.stream_stream_rpc_method_handler(
        multiplexer.serve,
        request_deserializer=call_service_pb2.ExchangeRequest.FromString,
        response_serializer=call_service_pb2.ExchangeResponse.SerializeToString,
    )


def _serialize(message: Response) -> bytes:
    return message.SerializeToString()
