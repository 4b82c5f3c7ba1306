"""Wraps every RPC on the server: telemetry, deadline, errors, caller check, authentication, log; one function instead of interceptors.

Calls that are sampled, slow or failed on the server side are logged; the metrics count the others.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from kit.auth import Principal, bearer_token
from kit.errors import INTERNAL_MESSAGE, Category, Internal, SoukError
from kit.errors.transport import grpc_code
from kit.rpc.allowed_callers import CallerCheck
from kit.rpc.call import Call, current_call
from kit.rpc.encoded import Encoded
from kit.rpc.status import DETAILS_KEY, encode
from kit.telemetry import RedMetrics, SpanKind, correlation_id, get_logger, new_correlation_id, span
from kit.telemetry.spans import parse_traceparent
from kit.values import deadline

log = get_logger("kit.rpc")

_RED = RedMetrics("rpc_server", ("service", "method"), expected=("OK",))
_SLOW_SECONDS = 1.0
_SERVER_SIDE = {Category.UNAVAILABLE, Category.DEADLINE_EXCEEDED}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class CallMetadata(NamedTuple):
    """The metadata of a request, from either transport.

    `timeout` is in seconds; `names` are the DNS names in the caller's certificate.
    """

    correlation_id: str | None
    authorization: str | None
    address: str
    traceparent: str | None
    timeout: float | None
    peer: str
    names: frozenset[str] = frozenset()


Response = Message | Encoded
Method = Callable[[Any, Call], Awaitable[Response]]
Handler = Callable[[Any, CallMetadata], Awaitable[Response | SoukError]]


class Verifier(Protocol):
    """Verifies tokens: `kit.auth.TokenVerifier`."""

    async def verify(self, token: str) -> Principal:
        """The caller; raises Unauthenticated."""
        ...


def handler(
    service: ServiceDescriptor,
    name: str,
    method: Method,
    verifier: Verifier | None,
    caller_check: CallerCheck | None = None,
) -> Handler:
    """The handler of an RPC, which returns the response or the error. Await it in its own context."""
    path = f"{service.full_name}/{name}"
    metrics = _RED.bind(service.full_name, name)

    async def handle(request: Message, metadata: CallMetadata) -> Response | SoukError:
        started = time.perf_counter()
        correlation = new_correlation_id(metadata.correlation_id)
        correlation_id.set(correlation)
        if metadata.timeout is not None:
            deadline.set(time.monotonic() + metadata.timeout)
        outcome, sampled = "OK", False
        try:
            with span(
                path, kind=SpanKind.SERVER, parent=parse_traceparent(metadata.traceparent)
            ) as current_span:
                sampled = current_span.sampled
                if caller_check is not None:
                    caller_check.check(metadata.names)
                principal = None
                if (token := bearer_token(metadata.authorization)) and verifier is not None:
                    principal = await verifier.verify(token)
                call = Call(principal, correlation, metadata.address, metadata.peer)
                current_call.set(call)
                return await method(request, call)
        except SoukError as error:
            outcome = error.category.value
            if error.category is Category.INTERNAL:
                log.exception("rpc.failed", method=path)
            elif error.category in _SERVER_SIDE:
                log.warning(
                    "rpc.rejected", method=path, outcome=outcome, reason=error.reason, error=error.message
                )
            return error
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        except Exception:
            outcome = "INTERNAL"
            log.exception("rpc.failed", method=path)
            return Internal()
        finally:
            seconds = time.perf_counter() - started
            metrics.observe(seconds, outcome)
            if sampled or seconds > _SLOW_SECONDS:
                log.info("rpc.request", method=path, outcome=outcome, ms=round(seconds * 1000, 2))

    return handle


def certificate_names(context: Any) -> frozenset[str]:
    """The DNS names in the caller's certificate; empty without TLS."""
    return frozenset(name.decode() for name in context.auth_context().get("peer_dns", ()))


def unary(handle: Handler, domain: str) -> Callable[[Any, Any], Awaitable[Response]]:
    """The coroutine that grpc.aio calls, in its own task, for an RPC with its own stream."""

    async def answer(request: Message, context: Any) -> Response:
        headers: dict[str, str] = dict(context.invocation_metadata())
        outcome = await handle(
            request,
            CallMetadata(
                headers.get("x-request-id"),
                headers.get("authorization"),
                headers.get("x-client-address", ""),
                headers.get("traceparent"),
                context.time_remaining(),
                context.peer(),
                certificate_names(context),
            ),
        )
        if not isinstance(outcome, SoukError):
            return outcome
        message = INTERNAL_MESSAGE if outcome.category is Category.INTERNAL else outcome.message
        context.set_trailing_metadata(((DETAILS_KEY, encode(outcome, domain)),))
        await context.abort(_CODES[grpc_code(outcome)], message[:500])
        raise AssertionError("abort returned")

    return answer
