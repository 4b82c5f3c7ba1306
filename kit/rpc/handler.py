"""What surrounds every RPC on the server: telemetry, deadline, errors, caller, authentication, log; one function, no
stack.

A line is logged per call that was sampled, slow or failed by our fault; the rest is in the metrics.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from kit.auth import Principal, bearer_token
from kit.errors import Category, Internal, SoukError
from kit.errors.transport import grpc_code
from kit.rpc.call import Call, current_call
from kit.rpc.callers import Guard
from kit.rpc.status import DETAILS_KEY, INTERNAL_MESSAGE, encode
from kit.telemetry import RedMetrics, SpanKind, correlation_id, get_logger, new_correlation_id, span
from kit.telemetry.spans import parse_traceparent
from kit.values import deadline

log = get_logger("kit.rpc")

_RED = RedMetrics("rpc_server", ("service", "method"))
_SLOW_SECONDS = 1.0
_OUR_FAULT = {Category.UNAVAILABLE, Category.DEADLINE_EXCEEDED}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Incoming(NamedTuple):
    """What came along with a request, whatever it travelled on.

    `seconds` is how long the caller waits, `names` what its certificate is for.
    """

    correlation_id: str | None
    authorization: str | None
    address: str
    traceparent: str | None
    seconds: float | None
    peer: str
    names: frozenset[str] = frozenset()


Method = Callable[[Any, Call], Awaitable[Message]]
Handler = Callable[[Any, Incoming], Awaitable[Message | SoukError]]


class Verifier(Protocol):
    """Who turns tokens into principals: `kit.auth.TokenVerifier`."""

    async def verify(self, token: str) -> Principal:
        """The caller; raises Unauthenticated."""
        ...


def handler(
    service: ServiceDescriptor,
    name: str,
    method: Method,
    verifier: Verifier | None,
    guard: Guard | None = None,
) -> Handler:
    """What answers an RPC, or says what its error is; to be awaited in a context of its own."""
    path = f"{service.full_name}/{name}"
    watched = _RED.watch(service.full_name, name)

    async def handle(request: Message, incoming: Incoming) -> Message | SoukError:
        started = time.perf_counter()
        correlation = new_correlation_id(incoming.correlation_id)
        correlation_id.set(correlation)
        if incoming.seconds is not None:
            deadline.set(time.monotonic() + incoming.seconds)
        outcome, sampled = "OK", False
        try:
            with span(path, kind=SpanKind.SERVER, parent=parse_traceparent(incoming.traceparent)) as here:
                sampled = here.sampled
                if guard is not None:
                    guard.check(incoming.names)
                principal = None
                if (token := bearer_token(incoming.authorization)) and verifier is not None:
                    principal = await verifier.verify(token)
                call = Call(principal, correlation, incoming.address, incoming.peer)
                current_call.set(call)
                return await method(request, call)
        except SoukError as error:
            outcome = error.category.value
            if error.category is Category.INTERNAL:
                log.exception("rpc.failed", method=path)
            elif error.category in _OUR_FAULT:
                log.warning(
                    "rpc.refused", method=path, outcome=outcome, reason=error.reason, error=error.message
                )
            return error
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        except Exception:
            outcome = "INTERNAL"
            log.exception("rpc.failed", method=path)
            return Internal(INTERNAL_MESSAGE)
        finally:
            seconds = time.perf_counter() - started
            watched.observe(seconds, outcome)
            if sampled or seconds > _SLOW_SECONDS:
                log.info("rpc.served", method=path, outcome=outcome, ms=round(seconds * 1000, 2))

    return handle


def names_of(context: Any) -> frozenset[str]:
    """The DNS names of the certificate at the other end; none where there is no TLS."""
    return frozenset(name.decode() for name in context.auth_context().get("peer_dns", ()))


def unary(handle: Handler, domain: str) -> Callable[[Any, Any], Awaitable[Message]]:
    """The coroutine that grpc.aio calls for an RPC that has a stream of its own; grpc.aio gives it a task of its own too."""

    async def answer(request: Message, context: Any) -> Message:
        given: dict[str, str] = dict(context.invocation_metadata())
        outcome = await handle(
            request,
            Incoming(
                given.get("x-request-id"),
                given.get("authorization"),
                given.get("x-client-address", ""),
                given.get("traceparent"),
                context.time_remaining(),
                context.peer(),
                names_of(context),
            ),
        )
        if not isinstance(outcome, SoukError):
            return outcome
        message = INTERNAL_MESSAGE if outcome.category is Category.INTERNAL else outcome.message
        context.set_trailing_metadata(((DETAILS_KEY, encode(outcome, domain)),))
        await context.abort(_CODES[grpc_code(outcome)], message[:500])
        raise AssertionError("abort returned")

    return answer
