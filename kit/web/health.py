"""/livez: the process runs. /readyz: it can serve. /metrics: Prometheus metrics."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import orjson
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kit.errors import SoukError
from kit.telemetry import get_logger

log = get_logger(__name__)

_PING_SECONDS = 2.0
# Litestar appends the charset to every text media type.
_METRICS_TYPE = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")


class Resource(Protocol):
    """Something that a service opens at its start and closes at its end."""

    @property
    def name(self) -> str:
        """Its name in /readyz."""
        ...

    async def open(self) -> None:
        """Makes it usable; raises Unavailable if it is not available yet."""
        ...

    async def close(self) -> None:
        """Flushes and closes it."""
        ...

    async def ping(self) -> None:
        """Raises unless it is usable."""
        ...


class Phase(StrEnum):
    """The phase of a process."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


class Readiness:
    """Whether the service is ready: it is serving, and each required resource responds within 2 s.

    Optional resources are pinged and reported, but do not make the service unready.
    """

    def __init__(self, resources: Sequence[Resource] = (), optional: Sequence[Resource] = ()) -> None:
        self._resources = resources
        self._optional = {id(resource) for resource in optional}
        self.phase = Phase.STARTING

    async def check(self) -> tuple[bool, dict[str, str]]:
        """Whether it is ready, and `ok` or the error of each resource."""
        if self.phase is not Phase.SERVING:
            return False, {}
        states = await asyncio.gather(*(_state(resource) for resource in self._resources))
        checks = {resource.name: state for resource, state in zip(self._resources, states, strict=True)}
        required = [
            state
            for resource, state in zip(self._resources, states, strict=True)
            if id(resource) not in self._optional
        ]
        return all(state == "ok" for state in required), checks


async def _state(resource: Resource) -> str:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await resource.ping()
    except SoukError as error:
        return error.reason
    except TimeoutError:
        return "TIMEOUT"
    except (
        Exception
    ) as error:  # Any error of a driver; only its type is reported, because messages may name hosts.
        log.warning("readyz.ping_failed", resource=resource.name, error=repr(error))
        return type(error).__name__
    return "ok"


def health_routes(readiness: Readiness) -> list[HTTPRouteHandler]:
    """The three routes."""

    @get("/livez", sync_to_thread=False)
    def livez() -> Response[bytes]:
        return _json({"status": "alive"}, 200)

    @get("/readyz")
    async def readyz() -> Response[bytes]:
        ready, checks = await readiness.check()
        status = (
            readiness.phase.value if readiness.phase is not Phase.SERVING else "ready" if ready else "unready"
        )
        return _json({"status": status, "checks": checks}, 200 if ready else 503)

    @get("/metrics", sync_to_thread=False)
    def metrics() -> Response[bytes]:
        return Response(generate_latest(), media_type=_METRICS_TYPE)

    return [livez, readyz, metrics]


def _json(content: object, status: int) -> Response[bytes]:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
