"""Rules of a service's life, shown on a process of its own."""

import asyncio
import os
import signal

import httpx
import orjson
from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import Channel
from kit.service.tests.running import Running, Start, once, start
from kit.testing import eventually, free_port

__all__ = ["start"]


async def channel(running: Running) -> Channel:
    channel = Channel(f"127.0.0.1:{running.grpc_port}", pb.DESCRIPTOR.services_by_name["OrderService"])
    await channel.open()
    return channel


async def test_it_serves_http_and_grpc_and_says_that_it_is_well(start: Start) -> None:
    running = start()
    await running.ready()
    assert await running.status("/livez") == 200
    assert (await running.get("/readyz")).json()["checks"] == {"part": "ok", "down": "UNAVAILABLE"}
    assert "souk_http_requests_total" in (await running.get("/metrics")).text
    orders = await channel(running)
    await orders.ping()
    answer = await orders.call("GetOrder", pb.GetOrderRequest(order_id="ord_1"), pb.GetOrderResponse)
    await orders.close()
    assert answer.order.id == "ord_1"


async def test_calls_and_requests_in_flight_end_before_it_does(start: Start) -> None:
    running = start()
    await running.ready()
    orders = await channel(running)
    calling = asyncio.create_task(
        orders.call("GetOrder", pb.GetOrderRequest(order_id="slow"), pb.GetOrderResponse)
    )
    requesting = asyncio.create_task(running.get("/slow"))

    async def both() -> bool:
        return running.events().count("slow.started") == 2

    await eventually(both, seconds=20)
    os.kill(running.process.pid, signal.SIGTERM)
    assert (await calling).order.id == "slow"
    assert (await requesting).text == "done"
    assert await running.ended() == 0
    await orders.close()
    assert running.events()[-3:] == ["job.closed", "part.closed", "service.stopped"]


async def test_what_would_not_end_by_itself_is_ended_once_it_has_drained(start: Start) -> None:
    running = start(DRAIN_SECONDS="1")
    await running.ready()
    url = f"http://127.0.0.1:{running.http_port}/endless"
    async with httpx.AsyncClient() as client, client.stream("GET", url, timeout=20) as answer:
        chunks = answer.aiter_text()
        assert await anext(chunks) == "started"
        os.kill(running.process.pid, signal.SIGTERM)
        assert await anext(chunks) == ", ended"
    assert await running.ended() == 0


async def test_it_takes_new_requests_while_callers_learn_that_it_goes(start: Start) -> None:
    running = start(DRAIN_SECONDS="3")
    await running.ready()
    orders = await channel(running)
    url = f"http://127.0.0.1:{running.http_port}/livez"
    async with httpx.AsyncClient() as client:
        before = await client.get(url)
        os.kill(running.process.pid, signal.SIGTERM)
        await running.logged("service.stopping")
        is_stored = await client.get(url)
        new = await client.get(url)
    assert "connection" not in before.headers
    assert [(answer.status_code, answer.headers["connection"]) for answer in (is_stored, new)] == [
        (200, "close")
    ] * 2
    assert await running.status("/readyz") == 503
    answer = await orders.call("GetOrder", pb.GetOrderRequest(order_id="ord_1"), pb.GetOrderResponse)
    assert answer.order.id == "ord_1"
    await orders.close()
    assert await running.ended() == 0


async def test_it_lives_but_is_not_ready_while_a_part_is_missing(start: Start) -> None:
    running = start(UP_AFTER_SECONDS="5")
    await running.logged("service.waiting_for_dependency")
    assert await running.status("/livez") == 200
    answer = await running.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "starting")
    await running.ready()


async def test_it_ends_at_once_when_a_part_is_broken_for_good(start: Start) -> None:
    running = start(BROKEN="true")
    await running.logged("service.start_failed")
    assert await running.ended() == 1


async def test_a_stop_amid_the_start_ends_it(start: Start) -> None:
    running = start(UP_AFTER_SECONDS="60")
    await running.logged("service.waiting_for_dependency")
    os.kill(running.process.pid, signal.SIGTERM)
    assert await running.ended() == 0


async def test_a_taken_port_is_named(start: Start) -> None:
    running = start()
    await running.ready()
    taken = once(HTTP_PORT=str(running.http_port), GRPC_PORT=str(free_port()))
    assert taken.returncode == 1
    assert f":{running.http_port}" in taken.stdout


def test_all_errors_of_the_settings_are_reported_at_once() -> None:
    rejected = once(PROFILE="production", UP_AFTER_SECONDS="soon")
    assert rejected.returncode == 2
    for name in ("DATABASE_URL", "HTTP_PORT", "JWKS_URL", "UP_AFTER_SECONDS"):
        assert f"  {name} " in rejected.stderr


def test_a_check_pings_every_part_and_exits() -> None:
    checked = once("--check")
    assert checked.returncode == 0
    states = orjson.loads(checked.stdout.splitlines()[-1])["checks"]
    assert states["part"] == "ok"
    assert "down" in states["down"]
    assert once("--check", BROKEN="true").returncode == 1


def test_an_optional_part_that_is_there_and_lacks_something_stops_the_check_and_the_start() -> None:
    checked = once("--check", UNFIT="true")
    assert checked.returncode == 1
    assert "lacks a plugin" in orjson.loads(checked.stdout.splitlines()[-1])["checks"]["down"]
    served = once(UNFIT="true")
    assert served.returncode == 1
    assert "lacks a plugin" in served.stdout


def test_it_describes_its_settings() -> None:
    assert "UP_AFTER_SECONDS" in once("settings").stdout


def test_it_runs_its_own_commands() -> None:
    assert "hello you\n" in once("greet", "you").stdout


def test_an_unknown_command_is_answered_with_the_known_ones() -> None:
    rejected = once("dance")
    assert rejected.returncode == 2
    assert "greet" in rejected.stderr


def test_a_service_without_subscriptions_has_no_dead_letters() -> None:
    done = once("dead-letters")
    assert (done.returncode, done.stdout) == (0, "")
    output = once("dead-letters", "bury")
    assert output.returncode == 2
    assert "subscribes to no topic" in output.stderr
