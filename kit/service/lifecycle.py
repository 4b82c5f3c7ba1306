"""The lifecycle of a service: opens its resources, serves, drains, closes."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

from kit.errors import is_transient
from kit.identity import identity_from_settings
from kit.rpc import Server
from kit.service.identity import watch_kafka_certificate
from kit.service.service import Job, Service
from kit.settings import IdentityMode
from kit.telemetry import get_logger
from kit.values import Backoff
from kit.web import Readiness, Resource
from kit.web.health import Phase

log = get_logger(__name__)

# How long a service waits for a required dependency at its start.
STARTUP_TIMEOUT_SECONDS = 60.0
_MAX_PAUSE_SECONDS = 2.0


class Lifecycle:
    """One run of a service. `failed` is called when it cannot start; `serving` is set once it is ready."""

    def __init__(self, service: Service, failed: Callable[[], None]) -> None:
        resources = service.all_resources()
        self.service = service
        self.serving = asyncio.Event()
        self.readiness = Readiness(resources, service.optional)
        self._resources = resources
        self.failed = failed
        self._opened: list[Job] = []
        self._verifier = service.token_verifier()
        self._revoked_sessions = service.revoked_sessions_listener(self._verifier)
        self._rpc: Server | None = None
        self._starting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts opening everything in the background; until then `/readyz` reports `starting`."""
        self._starting = asyncio.create_task(self._start(), name="start")

    async def drain(self) -> None:
        """Reports NOT_SERVING, and keeps serving until `drain_seconds` have passed.

        Each response closes its keep-alive connection, so that clients reconnect elsewhere before this process stops.
        """
        self.readiness.phase = Phase.STOPPING
        if self._rpc is not None:
            await self._rpc.set_not_serving()
        await asyncio.sleep(self.service.settings.drain_seconds.total_seconds())
        if self.service.on_drained is not None:
            self.service.on_drained()

    async def stop(self) -> None:
        """Waits for calls in flight up to the grace period, then stops background jobs and closes the resources."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        self.readiness.phase = Phase.STOPPING
        if self._rpc is not None:
            await self._rpc.set_not_serving()
            await self._rpc.stop(self.service.settings.shutdown_grace_seconds.total_seconds())
        for job in reversed(self._opened):
            await _close(job)
        log.info("service.stopped")

    async def _start(self) -> None:
        started_at = time.perf_counter()
        self._check_identity()
        try:
            if self._revoked_sessions is not None:
                await self._revoked_sessions.open()
                self._opened.append(self._revoked_sessions)
            for resource in self._resources:
                await retry_until_available(resource.open, resource.name)
                self._opened.append(resource)
            if self._revoked_sessions is not None:
                await self._revoked_sessions.wait_until_caught_up()
            await self._serve_rpc()
            for job in self.service.background():
                await job.open()
                self._opened.append(job)
            await self._await_resources()
        except Exception as error:
            log.exception("service.start_failed", error=str(error))
            self.failed()
            return
        # Objects that exist now are permanent: exclude them from garbage collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        self.readiness.phase = Phase.SERVING
        if self._rpc is not None:
            await self._rpc.set_serving()
        self.serving.set()
        settings = self.service.settings
        ports = {"http_port": settings.http_port, "grpc_port": self._rpc.port if self._rpc else None}
        log.info("service.ready", seconds=round(time.perf_counter() - started_at, 2), **ports)

    async def _await_resources(self) -> None:
        """Waits until every awaited resource has responded, or until the limit: one that is down must not stop a new replica for ever."""
        seconds = self.service.awaited_for.total_seconds()

        async def respond(resource: Resource) -> None:
            try:
                await retry_until_available(resource.ping, resource.name, seconds)
            except Exception as error:
                log.warning("service.ready_without", dependency=resource.name, error=repr(error))

        if seconds > 0:
            await asyncio.gather(*(respond(resource) for resource in self.service.awaited))

    def _check_identity(self) -> None:
        settings = self.service.settings
        watch_kafka_certificate(settings)
        if not settings.is_development and settings.identity is IdentityMode.OFF:
            log.warning("service.identity_off", means="anyone who can reach the ports is trusted")

    async def _serve_rpc(self) -> None:
        if not self.service.rpc:
            return
        settings = self.service.settings
        self._rpc = Server(
            self.service.rpc,
            host=settings.grpc_host,
            port=settings.grpc_port,
            verifier=self._verifier,
            identity=identity_from_settings(settings),
            callers=self.service.callers,
        )
        await self._rpc.start()


async def retry_until_available(
    attempt: Callable[[], Awaitable[object]], name: str, seconds: float = STARTUP_TIMEOUT_SECONDS
) -> None:
    """Retries transient errors; raises the last one after `seconds`, any other error immediately."""
    end, backoff = time.monotonic() + seconds, Backoff(maximum=_MAX_PAUSE_SECONDS)
    while True:
        try:
            await attempt()
            return
        except Exception as error:
            pause = backoff.next()
            is_retryable = is_transient(error) or isinstance(error, ConnectionError)
            if not is_retryable or time.monotonic() + pause > end:
                raise
            log.warning("service.waiting_for_dependency", dependency=name, error=repr(error))
        await asyncio.sleep(pause)


async def _close(job: Job) -> None:
    try:
        await job.close()
    except Exception:  # The others must still be closed.
        log.exception("service.close_failed", job=job.name)
