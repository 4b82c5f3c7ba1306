"""The client's side: one `Channel` per service of a peer, `call` per RPC.

The only transport between services. What travels beneath `call` is its own business: one stream per service of a peer that
carries all calls (`kit.rpc.stream`), because a gRPC call of its own costs each side 0.2 ms (ADR 0015); where the peer has several
replicas, a few streams (`kit.rpc.spread`).
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
from kit.rpc.spread import Spread
from kit.rpc.status import MESSAGE_BYTES, METADATA_BYTES
from kit.rpc.stream import Caller, NeverSent
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
    # A peer that restarts is found again within a second, not within gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    # Several replicas behind one name share the calls; how many there are is asked again when a connection ends (kit.rpc.server).
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    # gRPC itself opens a stream again that no server has seen, as when it crosses the end of its connection. Retries of calls
    # are ours, so that they end with the deadline.
    ("grpc.enable_retries", 1),
)

# By this gRPC looks a name up: all addresses that it has, of either family.
TARGET = "dns:///{}"
# Several replicas that no name stands for, as on a machine of a developer's.
_ADDRESSES = "ipv4:{}"

_RED = RedMetrics("rpc_client", ("service", "method"))
_HEALTH = "/grpc.health.v1.Health/Check"
_PING_SECONDS = 2.0
# A peer that restarts is away for about as long; what never reached it may be sent again, whatever it is.
_CONNECT_SECONDS = 2.0
_CONNECT_PAUSE_SECONDS = 0.1


class _Method:
    """What one RPC needs at each call, found once."""

    __slots__ = ("config", "name", "output", "watched")

    def __init__(self, service: ServiceDescriptor, name: str, config: MethodConfig) -> None:
        self.name = f"{service.full_name}/{name}"
        self.output = service.methods_by_name[name].output_type
        self.config = config
        self.watched: BoundRedMetrics = _RED.watch(service.full_name, name)


class Channel:
    """A resource: calls to one service of a peer at `host:port`, or at several addresses, `ip:port,ip:port`.

    Deadlines and retries come from the service_config.json of the contract. The deadline of the call being
    answered, its token, client address, correlation id and trace go along. With an `identity` that calls, by mutual TLS: the peer's
    certificate must be for the service that the contract is of.
    """

    def __init__(self, address: str, service: ServiceDescriptor, identity: Identity | None = None) -> None:
        self.name = service.full_name
        self._address = address
        self._expected = name_of(service)
        self._identity = identity
        self._methods = {
            name: _Method(service, name, config) for name, config in method_configs(service).items()
        }
        self._connection: Connection | None = None
        self._streams: Spread | None = None

    async def open(self) -> None:
        """Makes the channel; it connects when first used, so that no service waits for another to start."""
        self._connection = Connection(target(self._address), self._expected, OPTIONS, self._identity)
        self._streams = Spread(self._connection, self._address)

    async def close(self) -> None:
        """Ends the calls in flight."""
        if self._streams is not None and self._connection is not None:
            self._streams.close()
            await self._connection.close()
            self._connection = self._streams = None

    async def ping(self) -> None:
        """Raises Unavailable unless the peer says that it serves."""
        check = self._open_channel().unary_unary(
            _HEALTH,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(service=self.name), timeout=_PING_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"{self.name}: {error.code().name}", reason="PEER_UNAVAILABLE") from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(f"{self.name} does not serve", reason="PEER_UNAVAILABLE")

    async def call(self, method: str, request: Message, response: type[M]) -> M:
        """Calls an RPC by its name in the contract; raises what the peer raised, or Unavailable,
        DeadlineExceeded.
        """
        known = self._methods[method]
        if response.DESCRIPTOR is not known.output:
            raise TypeError(
                f"{known.name} answers {known.output.full_name}, not {response.DESCRIPTOR.full_name}"
            )
        started = time.perf_counter()
        outcome = "INTERNAL"
        try:
            if (trace := current_trace()) is not None and trace.sampled:
                with span(known.name, kind=SpanKind.CLIENT):
                    body = await self._attempts(known, request)
            else:
                body = await self._attempts(known, request)
            answer = response.FromString(body)
            outcome = "OK"
            return answer
        except SoukError as error:
            outcome = error.category.value
            raise
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        finally:
            known.watched.observe(time.perf_counter() - started, outcome)

    async def _attempts(self, method: _Method, request: Message) -> bytes:
        left = remaining()
        timeout = method.config.timeout if left is None else min(left, method.config.timeout)
        began = time.monotonic()
        end = began + timeout
        body, caller, retries, tried = request.SerializeToString(), _caller(), method.config.retries, 0
        while True:
            if timeout <= 0:
                raise DeadlineExceeded(f"no time left for {method.name}")
            tried += 1
            try:
                return await self._open_streams().next().call(method.name, body, timeout, caller)
            except SoukError as failure:
                error = failure
            now = time.monotonic()
            if isinstance(error, NeverSent) and now - began < _CONNECT_SECONDS:
                pause = _CONNECT_PAUSE_SECONDS
                tried -= 1
            elif tried < retries.attempts and error.category.value in retries.codes:
                pause = retries.pause(tried)
            else:
                raise error
            timeout = end - now - pause
            if timeout <= 0:
                raise error
            await asyncio.sleep(pause)

    def _open_streams(self) -> Spread:
        if self._streams is None:
            raise self._not_open()
        return self._streams

    def _open_channel(self) -> Any:
        if self._connection is None:
            raise self._not_open()
        return self._connection.channel

    def _not_open(self) -> Unavailable:
        return Unavailable(f"the channel to {self.name} is not open", reason="PEER_UNAVAILABLE")


def target(address: str) -> str:
    """How gRPC names the peer at an address, or the peers at several."""
    return (_ADDRESSES if "," in address else TARGET).format(address)


def name_of(service: ServiceDescriptor) -> str:
    """The service that a contract is of: souk.order.v1.OrderService -> order"""
    return service.file.package.split(".")[1]


def _caller() -> Caller:
    authorization = address = ""
    if (call := current_call.get()) is not None:
        address = call.address
        if call.principal is not None and call.principal.token:
            authorization = f"Bearer {call.principal.token}"
    return Caller(correlation_id.get(), authorization, address, traceparent() or "")
