"""The client's side: one `Channel` per service of a peer, `call` per RPC.

The only transport between services. What travels beneath `call` (unary gRPC today) is its own business.
"""

import asyncio
import time
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from kit.errors import DeadlineExceeded, Internal, SoukError, Unavailable, error_of
from kit.errors.transport import category_of_grpc
from kit.rpc.call import current_call
from kit.rpc.config import MethodConfig, method_configs
from kit.rpc.status import DETAILS_KEY, METADATA_BYTES, decode
from kit.telemetry import Red, SpanKind, Watched, correlation_id, current_trace, span, traceparent
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
    # Several replicas behind one name share the calls. Retries are ours, so that they end with the deadline.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.enable_retries", 0),
)

_RED = Red("rpc_client", ("service", "method"))
_HEALTH = "/grpc.health.v1.Health/Check"
_PING_SECONDS = 2.0
# A peer that restarts is away for about as long; what never reached it may be sent again, whatever it is.
_CONNECT_SECONDS = 2.0
_CONNECT_PAUSE_SECONDS = 0.1
_NEVER_SENT = "failed to connect"


class _Method:
    """What one RPC needs at each call, found once."""

    __slots__ = ("config", "name", "output", "path", "send", "watched")

    def __init__(self, service: ServiceDescriptor, name: str, config: MethodConfig) -> None:
        self.name = f"{service.full_name}/{name}"
        self.path = f"/{self.name}"
        self.output = service.methods_by_name[name].output_type
        self.config = config
        self.watched: Watched = _RED.watch(service.full_name, name)
        self.send: Any = None


class Channel:
    """A resource: calls to one service of a peer at `host:port`.

    Deadlines and retries come from the service_config.json of the contract. The deadline of the call being
    answered, its token, client address, correlation id and trace go along.
    """

    def __init__(self, address: str, service: ServiceDescriptor) -> None:
        self.name = service.full_name
        self._address = address
        self._methods = {
            name: _Method(service, name, config) for name, config in method_configs(service).items()
        }
        self._channel: Any = None

    async def open(self) -> None:
        """Makes the channel; it connects when first used, so that no service waits for another to start."""
        self._channel = grpc.aio.insecure_channel(self._address, options=OPTIONS)

    async def close(self) -> None:
        """Ends the calls in flight."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
            for method in self._methods.values():
                method.send = None

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
        if known.send is None:
            self._bind(known, response)
        started = time.perf_counter()
        outcome = "INTERNAL"
        try:
            if (trace := current_trace()) is not None and trace.sampled:
                with span(known.name, kind=SpanKind.CLIENT):
                    answer: M = await self._attempts(known, request)
            else:
                answer = await self._attempts(known, request)
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

    async def _attempts(self, method: _Method, request: Message) -> Any:
        left = remaining()
        timeout = method.config.timeout if left is None else min(left, method.config.timeout)
        began = time.monotonic()
        end = began + timeout
        metadata, retries, tried = _metadata(), method.config.retries, 0
        while True:
            if timeout <= 0:
                raise DeadlineExceeded(f"no time left for {method.name}")
            tried += 1
            try:
                return await method.send(request, timeout=timeout, metadata=metadata)
            except grpc.aio.AioRpcError as failure:
                error, never_sent = _error(failure, method.name), _never_sent(failure)
                # For logs of ours; what is passed on names no host.
                error.__cause__ = failure
            now = time.monotonic()
            if never_sent and now - began < _CONNECT_SECONDS:
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

    def _bind(self, method: _Method, response: type[M]) -> None:
        if response.DESCRIPTOR is not method.output:
            raise TypeError(
                f"{method.name} answers {method.output.full_name}, not {response.DESCRIPTOR.full_name}"
            )
        method.send = self._open_channel().unary_unary(
            method.path,
            request_serializer=_serialize,
            response_deserializer=response.FromString,
            _registered_method=True,
        )

    def _open_channel(self) -> Any:
        if self._channel is None:
            raise Unavailable(f"the channel to {self.name} is not open", reason="PEER_UNAVAILABLE")
        return self._channel


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _metadata() -> tuple[tuple[str, str], ...]:
    pairs = [("x-request-id", correlation_id.get())]
    if (call := current_call.get()) is not None:
        if call.principal is not None and call.principal.token:
            pairs.append(("authorization", f"Bearer {call.principal.token}"))
        if call.address:
            pairs.append(("x-client-address", call.address))
    if (header := traceparent()) is not None:
        pairs.append(("traceparent", header))
    return tuple(pairs)


def _never_sent(failure: grpc.aio.AioRpcError) -> bool:
    """Whether the call ended before there was a connection to send it on."""
    return failure.code() is grpc.StatusCode.UNAVAILABLE and _NEVER_SENT in (failure.details() or "").lower()


def _error(failure: grpc.aio.AioRpcError, method: str) -> SoukError:
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return decode(value)
    code = failure.code()
    if (
        code is grpc.StatusCode.CANCELLED
    ):  # the peer was stopped amid the call; our own cancelling raises otherwise
        return Unavailable(f"{method} was cut off", reason="PEER_UNAVAILABLE")
    category = category_of_grpc(code.value[0])
    reason = {"UNAVAILABLE": "PEER_UNAVAILABLE"}.get(category.value)
    kind = error_of(category)
    # What gRPC says itself names hosts and ports, which are nobody's business outside.
    return (
        Internal(f"{method}: {code.name} {failure.details()}")
        if kind is Internal
        else kind(f"{method}: {code.name}", reason=reason)
    )
