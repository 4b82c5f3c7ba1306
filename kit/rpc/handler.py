"""What surrounds every RPC on the server: telemetry, deadline, errors, authentication, log; one function, no
stack.

A line is logged per call that was sampled, slow or failed by our fault; the rest is in the metrics.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from kit.auth import bearer
from kit.errors import Category, Internal, SoukError
from kit.errors.transport import grpc_code
from kit.rpc.call import Call, current_call
from kit.rpc.status import DETAILS_KEY, UNEXPECTED, encode
from kit.telemetry import Red, SpanKind, correlation_id, get_logger, new_correlation_id, span
from kit.telemetry.spans import parse_traceparent
from kit.values import deadline

if TYPE_CHECKING:
    from kit.rpc.server import Verifier

log = get_logger("kit.rpc")

_RED = Red("rpc_server", ("service", "method"))
_SLOW_SECONDS = 1.0
_OUR_FAULT = {Category.UNAVAILABLE, Category.DEADLINE_EXCEEDED}
_CODES = {code.value[0]: code for code in grpc.StatusCode}

Method = Callable[[Any, Call], Awaitable[Message]]
Handler = Callable[[Any, Any], Awaitable[Message]]


def handler(service: ServiceDescriptor, name: str, method: Method, verifier: "Verifier | None") -> Handler:
    """The coroutine that grpc.aio calls for an RPC."""
    path = f"{service.full_name}/{name}"
    watched = _RED.watch(service.full_name, name)
    domain = service.file.package

    async def handle(request: Message, context: Any) -> Message:
        # Each call runs in a task of its own, so what is set in context variables here ends with it.
        started = time.perf_counter()
        given: dict[str, str] = dict(context.invocation_metadata())
        correlation = new_correlation_id(given.get("x-request-id"))
        correlation_id.set(correlation)
        if (left := context.time_remaining()) is not None:
            deadline.set(time.monotonic() + left)
        outcome, sampled = "OK", False
        try:
            with span(path, kind=SpanKind.SERVER, parent=parse_traceparent(given.get("traceparent"))) as here:
                sampled = here.sampled
                principal = None
                if (token := bearer(given.get("authorization"))) and verifier is not None:
                    principal = await verifier.verify(token)
                call = Call(principal, correlation, given.get("x-client-address", ""), context.peer())
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
            return await _abort(context, error, domain)
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        except Exception:
            outcome = "INTERNAL"
            log.exception("rpc.failed", method=path)
            return await _abort(context, Internal(UNEXPECTED), domain)
        finally:
            seconds = time.perf_counter() - started
            watched.observe(seconds, outcome)
            if sampled or seconds > _SLOW_SECONDS:
                log.info("rpc.served", method=path, outcome=outcome, ms=round(seconds * 1000, 2))

    return handle


async def _abort(context: Any, error: SoukError, domain: str) -> Message:
    message = UNEXPECTED if error.category is Category.INTERNAL else error.message
    context.set_trailing_metadata(((DETAILS_KEY, encode(error, domain)),))
    await context.abort(_CODES[grpc_code(error)], message[:500])
    raise AssertionError("abort returned")
