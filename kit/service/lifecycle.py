"""A service from start to end: opens what it holds, serves, drains, closes."""

import asyncio
import gc
import random
import time
from collections.abc import Awaitable, Callable

from kit.errors import is_transient
from kit.identity import identity_from_settings
from kit.rpc import Server
from kit.service.identity import watch_kafka_certificate
from kit.service.service import Job, Service
from kit.settings import IdentityMode
from kit.telemetry import get_logger
from kit.web import Readiness
from kit.web.health import Phase

log = get_logger(__name__)

# A part that a service cannot do without is waited for this long at its start.
PATIENCE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 2.0


class Lifecycle:
    """One run of a service. `failed` is called when it cannot start."""

    def __init__(self, service: Service, failed: Callable[[], None]) -> None:
        held = service.all_resources()
        self.service = service
        self.readiness = Readiness(held, service.optional)
        self._held = held
        self._failed = failed
        self._opened: list[Job] = []
        self._verifier = service.token_verifier()
        self._news = service.session_news(self._verifier)
        self._rpc: Server | None = None
        self._starting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to open everything; `/livez` answers meanwhile, `/readyz` says `starting`."""
        self._starting = asyncio.create_task(self._start(), name="start")

    async def drain(self) -> None:
        """Says NOT_SERVING to whoever asks, and goes on answering until `drain_seconds` have passed.

        Callers on connections that stay open are told with each answer that this one closes: none is to meet a closed door.
        """
        self.readiness.phase = Phase.STOPPING
        if self._rpc is not None:
            await self._rpc.not_serving()
        await asyncio.sleep(self.service.settings.drain_seconds.total_seconds())
        if self.service.on_drained is not None:
            self.service.on_drained()

    async def stop(self) -> None:
        """Ends the calls in flight within the grace, then whatever runs in the background, then closes
        everything.
        """
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        self.readiness.phase = Phase.STOPPING
        if self._rpc is not None:
            await self._rpc.not_serving()
            await self._rpc.stop(self.service.settings.shutdown_grace_seconds.total_seconds())
        for part in reversed(self._opened):
            await _closed(part)
        log.info("service.stopped")

    async def _start(self) -> None:
        began = time.perf_counter()
        self._tell_identity()
        try:
            if self._news is not None:
                await self._news.open()
                self._opened.append(self._news)
            for resource in self._held:
                await retry_until_available(resource.open, resource.name)
                self._opened.append(resource)
            if self._news is not None:
                await self._news.wait_until_caught_up()
            await self._serve_rpc()
            for part in self.service.background():
                await part.open()
                self._opened.append(part)
        except Exception as error:
            log.exception("service.start_failed", error=str(error))
            self._failed()
            return
        # What is here now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        self.readiness.phase = Phase.SERVING
        if self._rpc is not None:
            await self._rpc.serving()
        settings = self.service.settings
        ports = {"http_port": settings.http_port, "grpc_port": self._rpc.port if self._rpc else None}
        log.info("service.ready", seconds=round(time.perf_counter() - began, 2), **ports)

    def _tell_identity(self) -> None:
        settings = self.service.settings
        watch_kafka_certificate(settings)
        if not settings.is_development and settings.identity is IdentityMode.OFF:
            log.warning("service.without_identity", means="whoever reaches its ports is believed")

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
    attempt: Callable[[], Awaitable[object]], name: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Repeats what fails because a part is not there yet; raises the last error after `seconds`, others at
    once.
    """
    end, pause = time.monotonic() + seconds, 0.1
    while True:
        try:
            await attempt()
            return
        except Exception as error:
            waits = is_transient(error) or isinstance(error, ConnectionError)
            if not waits or time.monotonic() + pause > end:
                raise
            log.warning("service.waits", part=name, error=repr(error))
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _closed(part: Job) -> None:
    try:
        await part.close()
    except Exception:  # the others are closed all the same
        log.exception("service.close_failed", part=part.name)
