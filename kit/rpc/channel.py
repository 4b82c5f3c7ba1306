"""The client side: one `Channel` per service of a peer, with `call` per RPC. The only transport between services.

Calls are multiplexed over one bidirectional stream per replica (`kit.rpc.stream`, `kit.rpc.stream_pool`; ADR 0015), which saves 0.2 ms of
CPU per call and side.
"""

import asyncio
import time
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from kit.errors import DeadlineExceeded, SoukError, Unavailable
from kit.identity import Identity
from kit.rpc.call import current_call
from kit.rpc.config import MethodConfig, method_configs
from kit.rpc.connection import Connection
from kit.rpc.status import MESSAGE_BYTES, METADATA_BYTES
from kit.rpc.stream import CallContext, NotSent
from kit.rpc.stream_pool import StreamPool
from kit.telemetry import (
    BoundRedMetrics,
    RedMetrics,
    SpanKind,
    correlation_id,
    current_trace,
    span,
    traceparent,
)
from kit.values import remaining

M = TypeVar("M", bound=Message)

OPTIONS = (
    # Reconnect to a restarted peer within a second; gRPC's default is up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    # Balances over the replicas of a name, which is resolved again when a connection ends (kit.rpc.server).
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    # Transparent retries only: gRPC may reopen a stream that no server accepted. Retries of calls are ours, bounded by the deadline.
    ("grpc.enable_retries", 1),
)

# Makes gRPC resolve all addresses of a name, IPv4 and IPv6.
TARGET = "dns:///{}"
# Several replicas without a common name, as on a developer's machine.
_ADDRESSES = "ipv4:{}"

_RED = RedMetrics("rpc_client", ("service", "method"), expected=("OK",))
_HEALTH = "/grpc.health.v1.Health/Check"
_PING_SECONDS = 2.0
# Calls that were never sent are retried for this long, idempotent or not. A restart takes about as long.
_CONNECT_SECONDS = 2.0
_CONNECT_PAUSE_SECONDS = 0.1


class _Method:
    """What each call of an RPC needs, looked up once."""

    __slots__ = ("config", "metrics", "name", "output")

    def __init__(self, service: ServiceDescriptor, name: str, config: MethodConfig) -> None:
        self.name = f"{service.full_name}/{name}"
        self.output = service.methods_by_name[name].output_type
        self.config = config
        self.metrics: BoundRedMetrics = _RED.bind(service.full_name, name)


class Channel:
    """A resource: calls one service of a peer at `host:port`, or at several addresses `ip:port,ip:port`.

    Deadlines and retries come from the contract's service_config.json. The current call's deadline, token, client address, correlation id
    and trace are forwarded. With an `identity` whose calls use TLS, the peer's certificate must carry the name of the contract's service.
    """

    def __init__(self, address: str, service: ServiceDescriptor, identity: Identity | None = None) -> None:
        self.name = service.full_name
        self._address = address
        self._expected = service_name(service)
        self._identity = identity
        self._methods = {
            name: _Method(service, name, config) for name, config in method_configs(service).items()
        }
        self._connection: Connection | None = None
        self._pool: StreamPool | None = None

    async def open(self) -> None:
        """Creates the channel; it connects at the first call, so that no service waits for another to start."""
        self._connection = Connection(grpc_target(self._address), self._expected, OPTIONS, self._identity)
        self._pool = StreamPool(self._connection, self._address)

    async def close(self) -> None:
        """Closes the channel; calls in flight fail."""
        if self._pool is not None and self._connection is not None:
            self._pool.close()
            await self._connection.close()
            self._connection = self._pool = None

    async def ping(self) -> None:
        """Raises Unavailable unless the peer's health check reports SERVING."""
        check = self._open_channel().unary_unary(
            _HEALTH,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            response = await check(health_pb2.HealthCheckRequest(service=self.name), timeout=_PING_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                self._report_unreachable()
            raise Unavailable(f"{self.name}: {error.code().name}", reason="PEER_UNAVAILABLE") from None
        if response.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(f"{self.name} is not serving", reason="PEER_UNAVAILABLE")

    async def call(self, method: str, request: Message, response: type[M]) -> M:
        """Calls an RPC by its name in the contract; raises the peer's error, Unavailable or DeadlineExceeded."""
        rpc = self._methods[method]
        if response.DESCRIPTOR is not rpc.output:
            raise TypeError(f"{rpc.name} returns {rpc.output.full_name}, not {response.DESCRIPTOR.full_name}")
        return response.FromString(await self.call_encoded(method, request))

    async def call_encoded(self, method: str, request: Message) -> bytes:
        """Like `call`; returns the serialized response."""
        rpc = self._methods[method]
        started = time.perf_counter()
        outcome = "INTERNAL"
        try:
            if (trace := current_trace()) is not None and trace.sampled:
                with span(rpc.name, kind=SpanKind.CLIENT):
                    body = await self._attempts(rpc, request)
            else:
                body = await self._attempts(rpc, request)
            outcome = "OK"
            return body
        except SoukError as error:
            outcome = error.category.value
            raise
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        finally:
            rpc.metrics.observe(time.perf_counter() - started, outcome)

    async def _attempts(self, method: _Method, request: Message) -> bytes:
        left = remaining()
        timeout = method.config.timeout if left is None else min(left, method.config.timeout)
        started_at = time.monotonic()
        end = started_at + timeout
        body, context, retries, attempts = (
            request.SerializeToString(),
            _call_context(),
            method.config.retries,
            0,
        )
        while True:
            if timeout <= 0:
                raise DeadlineExceeded(f"no time left for {method.name}")
            attempts += 1
            try:
                return await self._open_pool().next().call(method.name, body, timeout, context)
            except SoukError as failure:
                error = failure
            now = time.monotonic()
            if isinstance(error, NotSent):
                self._report_unreachable()
            if isinstance(error, NotSent) and now - started_at < _CONNECT_SECONDS:
                pause = _CONNECT_PAUSE_SECONDS
                attempts -= 1
            elif attempts < retries.attempts and error.category.value in retries.codes:
                pause = retries.pause(attempts)
            else:
                raise error
            timeout = end - now - pause
            if timeout <= 0:
                raise error
            await asyncio.sleep(pause)

    def _open_pool(self) -> StreamPool:
        if self._pool is None:
            raise self._not_open()
        return self._pool

    def _report_unreachable(self) -> None:
        if self._connection is not None:
            self._connection.unreachable()

    def _open_channel(self) -> Any:
        if self._connection is None:
            raise self._not_open()
        return self._connection.channel

    def _not_open(self) -> Unavailable:
        return Unavailable(f"the channel to {self.name} is not open", reason="PEER_UNAVAILABLE")


def grpc_target(address: str) -> str:
    """The gRPC target of one or several addresses."""
    return (_ADDRESSES if "," in address else TARGET).format(address)


def service_name(service: ServiceDescriptor) -> str:
    """The service that owns a contract: souk.order.v1.OrderService -> order"""
    return service.file.package.split(".")[1]


def _call_context() -> CallContext:
    authorization = address = ""
    if (call := current_call.get()) is not None:
        address = call.address
        if call.principal is not None and call.principal.token:
            authorization = f"Bearer {call.principal.token}"
    return CallContext(correlation_id.get(), authorization, address, traceparent() or "")
