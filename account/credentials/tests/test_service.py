"""Logins and passwords on the whole service, with PostgreSQL and Kafka."""

import asyncio
import time
from typing import Any

import pytest
from souk.account.v1 import account_service_pb2 as pb
from souk.account.v1 import events_pb2 as events_pb

from account.tests.running import PASSWORD, Running, running
from kit.auth import DEVELOPMENT_SEALING_KEY, Sealer
from kit.errors import InvalidArgument, SoukError, Unauthenticated
from kit.rpc import Call, current_call
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.running_service import running_service as running_service

__all__ = ["database_url", "kafka", "postgres", "running"]


async def test_an_address_with_a_nul_neither_signs_in_nor_requests_a_mail(running: Running) -> None:
    account = (await running.register()).account
    for email in (f"{account.email}\0", f"\0{account.email}", account.email.replace("@", "\0@")):
        with pytest.raises(Unauthenticated) as error:
            await running.call("Login", email=email, password=PASSWORD)
        assert error.value.reason == "BAD_CREDENTIALS"
        await running.call("RequestPasswordReset", email=email)
    assert await running.db.fetch("SELECT * FROM mailed_links") == []


async def test_sixteen_parallel_logins_start_sixteen_sessions(running: Running) -> None:
    account = (await running.register()).account

    async def login() -> str:
        response = await running.call("Login", email=account.email, password=PASSWORD)
        return str(response.tokens.refresh_token)

    assert len(set(await asyncio.gather(*(login() for _ in range(16))))) == 16
    [sessions] = await running.db.fetch("SELECT count(*) FROM sessions WHERE end_time IS NULL")
    assert sessions["count"] == 17


async def test_wrong_passwords_from_one_network_do_not_lock_out_the_owner(running: Running) -> None:
    registered = await running.register()
    email = registered.account.email

    async def login(address: str, password: str, **more: str) -> Any:
        token = current_call.set(Call(address=address))
        try:
            return await running.channel.call(
                "Login", pb.LoginRequest(email=email, password=password, **more), pb.LoginResponse
            )
        except SoukError as error:
            return error.reason
        finally:
            current_call.reset(token)

    wrong = [await login("198.51.100.66", "wrong-password") for _ in range(11)]
    assert wrong == ["BAD_CREDENTIALS"] * 10 + ["LOGIN_THROTTLED"]
    assert await login("198.51.100.66", PASSWORD) == "LOGIN_THROTTLED"
    for address, more in (
        ("192.0.2.1", {}),
        ("198.51.100.66", {"device_token": registered.device_token}),
    ):
        assert (await login(address, PASSWORD, **more)).account == registered.account


async def test_a_mailed_link_sets_a_password_once(running: Running) -> None:
    account = (await running.register()).account
    await running.call("RequestPasswordReset", email=account.email)
    [requested] = await running.bodies(account.id, events_pb.PasswordResetRequested)
    token = Sealer(DEVELOPMENT_SEALING_KEY).unseal(requested.sealed_token)

    outcomes = await asyncio.gather(
        *(running.call("ResetPassword", token=token, new_password=f"AnotherPass{n}!") for n in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, InvalidArgument) for outcome in outcomes) == 3
    with pytest.raises(Unauthenticated):
        await running.call("Login", email=account.email, password=PASSWORD)
    stored = await running.db.fetch("SELECT payload FROM outbox WHERE key = $1", account.id)
    assert all(token.encode() not in row["payload"] for row in stored)


async def test_a_storm_of_logins_does_not_slow_down_other_calls(running: Running) -> None:
    registered = await running.register()
    caller = await running.principal(registered.tokens.access_token)

    async def storm() -> None:
        guesses = [running.call("Login", email=f"{n}@example.com", password="x" * 8) for n in range(200)]
        outcomes = await asyncio.gather(*guesses, return_exceptions=True)
        # Rejected for the password, or because it could not be checked in time.
        assert all(isinstance(outcome, SoukError) for outcome in outcomes)

    raging, times = asyncio.create_task(storm()), []
    while not raging.done():
        started = time.perf_counter()
        await running.call("GetAccount", caller, account_id=registered.account.id)
        times.append(time.perf_counter() - started)
        # A hundred calls a second, until the storm is over.
        await asyncio.wait([raging], timeout=0.01)
    await raging
    assert len(times) >= 20
    # A hash takes 60 ms or more. On the event loop, a call would wait for all 200.
    assert sorted(times)[len(times) // 2] < 0.1
    assert sorted(times)[int(len(times) * 0.95)] < 0.5
