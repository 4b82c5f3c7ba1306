"""The command line of every service: serve, migrate, --check, settings, and the service's own commands."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson
import uvloop

from kit.errors import FailedPrecondition, SoukError
from kit.events import ensure_topics
from kit.service.dead_letters import dead_letters
from kit.service.identity import identity_check, kafka_acls
from kit.service.lifecycle import Lifecycle, retry_until_available
from kit.service.service import Service
from kit.service.serving import serve
from kit.settings import BaseSettings, SettingsError, describe, load
from kit.telemetry import configure, flush, get_logger

S = TypeVar("S", bound=BaseSettings)
log = get_logger(__name__)

USAGE_ERROR = 2
_OF_ALL = ("serve", "migrate", "--check", "settings", "dead-letters", "kafka-acls")
_CHECK_SECONDS = 10.0
_SLACK_SECONDS = 10.0


def run(build: Callable[[S], Service], settings_class: type[S], argv: Sequence[str] | None = None) -> None:
    """Runs a service as the command line says, and exits: 0 well, 1 it failed, 2 it was told nonsense."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["settings"]:
        print(describe(settings_class))
        sys.exit(0)
    # Other commands say what the service is, or are an operator's.
    starts = not words or words[0] in ("serve", "migrate", "--check")
    checks = [identity_check(settings_class.service)] if starts else []
    try:
        settings = load(settings_class, checks=checks)
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(USAGE_ERROR)
    service = build(settings)
    configure(service.name, settings)
    try:
        status = uvloop.run(_dispatch(service, words))
    finally:
        flush()
    sys.exit(status)


async def _dispatch(service: Service, words: list[str]) -> int:
    match words:
        case [] | ["serve"]:
            return await _serve(service)
        case ["migrate"]:
            return await _migrate(service)
        case ["--check"]:
            return await _check(service)
        case ["dead-letters", *rest]:
            return await dead_letters(service, rest)
        case ["kafka-acls", *rest]:
            return kafka_acls(service, rest)
        case [name, *rest] if name in service.commands:
            return await _command(service, name, rest)
        case _:
            known = " | ".join([*_OF_ALL, *service.commands])
            print(f"usage: python -m {service.name} [{known}]", file=sys.stderr)
            return USAGE_ERROR


async def _serve(service: Service) -> int:
    stopped, failures = asyncio.Event(), []

    def failed() -> None:
        failures.append("start")
        stopped.set()

    life = Lifecycle(service, failed)
    watchdog = asyncio.create_task(_watchdog(service, stopped))
    try:
        await serve(life, stopped)
    except OSError as error:
        log.error("service.start_failed", error=str(error))
        return 1
    finally:
        watchdog.cancel()
    return 1 if failures else 0


async def _watchdog(service: Service, stopped: asyncio.Event) -> None:
    """Ends a process whose end hangs: everything it holds survives kill -9 by design."""
    await stopped.wait()
    settings = service.settings
    await asyncio.sleep(
        settings.drain_seconds.total_seconds()
        + settings.shutdown_grace_seconds.total_seconds()
        + _SLACK_SECONDS
    )
    log.error("service.stop_hangs")
    os._exit(1)


async def _migrate(service: Service) -> int:
    applied: list[str] = []

    async def apply() -> None:
        assert service.migrations is not None
        assert service.database is not None
        applied.extend(await service.migrations.apply(service.database.url))

    if service.migrations is not None:
        await retry_until_available(apply, "database")
    topics = service.access().creates()
    made = await asyncio.to_thread(ensure_topics, service.settings.kafka_bootstrap, topics) if topics else []
    log.info("service.migrated", migrations=applied, topics=made)
    return 0


async def _check(service: Service) -> int:
    """Opens, pings and closes everything.

    An optional part that is out of reach is reported and does not fail; one that is there and lacks what we need does.
    """
    states: dict[str, str] = {}
    failed = False
    for part in service.all_resources():
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await part.open()
                await part.ping()
            states[part.name] = "ok"
        except Exception as error:
            states[part.name] = repr(error)
            failed = failed or part not in service.optional or isinstance(error, FailedPrecondition)
        finally:
            await part.close()
    print(orjson.dumps({"service": service.name, "ok": not failed, "checks": states}).decode())
    return 1 if failed else 0


async def _command(service: Service, name: str, words: Sequence[str]) -> int:
    opened = []
    try:
        for part in service.all_resources():
            await retry_until_available(part.open, part.name)
            opened.append(part)
        await service.commands[name](words)
    except SoukError as error:
        print(f"{name}: {error.message}", file=sys.stderr)
        return 1
    finally:
        for part in reversed(opened):
            await part.close()
    return 0
