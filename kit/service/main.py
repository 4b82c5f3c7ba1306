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
from kit.service.republish import republish
from kit.service.service import Service
from kit.service.serving import serve
from kit.settings import BaseSettings, SettingsError, describe, load
from kit.telemetry import configure, flush, get_logger

S = TypeVar("S", bound=BaseSettings)
log = get_logger(__name__)

USAGE_ERROR = 2
_COMMON_COMMANDS = ("serve", "migrate", "--check", "settings", "dead-letters", "republish", "kafka-acls")
_CHECK_SECONDS = 10.0
_STOP_GRACE_SECONDS = 10.0


def run(build: Callable[[S], Service], settings_class: type[S], argv: Sequence[str] | None = None) -> None:
    """Runs the command of the command line and exits: 0 success, 1 failure, 2 invalid arguments or settings."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args == ["settings"]:
        print(describe(settings_class))
        sys.exit(0)
    # Other commands do not start the service.
    starts = not args or args[0] in ("serve", "migrate", "--check")
    checks = [identity_check(settings_class.service)] if starts else []
    try:
        settings = load(settings_class, checks=checks)
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(USAGE_ERROR)
    service = build(settings)
    configure(service.name, settings)
    try:
        status = uvloop.run(_dispatch(service, args))
    finally:
        flush()
    sys.exit(status)


async def _dispatch(service: Service, args: list[str]) -> int:
    match args:
        case [] | ["serve"]:
            return await _serve(service)
        case ["migrate"]:
            return await _migrate(service)
        case ["--check"]:
            return await _check(service)
        case ["dead-letters", *rest]:
            return await dead_letters(service, rest)
        case ["republish", *rest]:
            return await republish(service, rest)
        case ["kafka-acls", *rest]:
            return kafka_acls(service, rest)
        case [name, *rest] if name in service.commands:
            return await _command(service, name, rest)
        case _:
            commands = " | ".join([*_COMMON_COMMANDS, *service.commands])
            print(f"usage: python -m {service.name} [{commands}]", file=sys.stderr)
            return USAGE_ERROR


async def _serve(service: Service) -> int:
    stopped, failures = asyncio.Event(), []

    def failed() -> None:
        failures.append("start")
        stopped.set()

    lifecycle = Lifecycle(service, failed)
    watchdog = asyncio.create_task(_watchdog(service, stopped))
    try:
        await serve(lifecycle, stopped)
    except OSError as error:
        log.error("service.start_failed", error=str(error))
        return 1
    finally:
        watchdog.cancel()
    return 1 if failures else 0


async def _watchdog(service: Service, stopped: asyncio.Event) -> None:
    """Exits when the shutdown hangs; by design all data survives a kill -9."""
    await stopped.wait()
    settings = service.settings
    await asyncio.sleep(
        settings.drain_seconds.total_seconds()
        + settings.shutdown_grace_seconds.total_seconds()
        + _STOP_GRACE_SECONDS
    )
    log.error("service.shutdown_timeout")
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
    created = (
        await asyncio.to_thread(ensure_topics, service.settings.kafka_bootstrap, topics) if topics else []
    )
    log.info("service.migrated", migrations=applied, topics=created)
    return 0


async def _check(service: Service) -> int:
    """Opens, pings and closes all resources.

    An unavailable optional resource is reported without failing; one that is available but unsuitable fails.
    """
    states: dict[str, str] = {}
    failed = False
    for resource in service.all_resources():
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await resource.open()
                await resource.ping()
            states[resource.name] = "ok"
        except Exception as error:
            states[resource.name] = repr(error)
            failed = failed or resource not in service.optional or isinstance(error, FailedPrecondition)
        finally:
            await resource.close()
    print(orjson.dumps({"service": service.name, "ok": not failed, "checks": states}).decode())
    return 1 if failed else 0


async def _command(service: Service, name: str, args: Sequence[str]) -> int:
    opened = []
    try:
        for resource in service.all_resources():
            await retry_until_available(resource.open, resource.name)
            opened.append(resource)
        await service.commands[name](args)
    except SoukError as error:
        print(f"{name}: {error.message}", file=sys.stderr)
        return 1
    finally:
        for resource in reversed(opened):
            await resource.close()
    return 0
