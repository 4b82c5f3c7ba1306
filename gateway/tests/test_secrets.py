"""What a client sent is not in the errors that reject it, nor in the logs: a password is sent in any field, in any wrong form."""

import json
from typing import Any

import pytest

from gateway.tests.listening import listening
from gateway.tests.world import World, world
from kit.graphql.tests.sockets import connected, signed_in
from kit.graphql.tests.streams import requested

__all__ = ["world"]

SECRET = "SecretPass1!"
NUMBER = 8675309123
LOGIN = "mutation($i: LoginInput!) { login(input: $i) { accessToken } }"
REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { accessToken } }"
CHANGE = "mutation($a: String!, $b: String!) { changePassword(currentPassword: $a, newPassword: $b) { accessToken } }"
RESET = "mutation($t: String!, $p: String!) { resetPassword(token: $t, newPassword: $p) }"
REFRESH = "mutation($t: String!) { refreshToken(refreshToken: $t) { accessToken } }"
CREDENTIALS = {"email": "a@b.test", "password": SECRET}

VARIABLES: list[tuple[str, Any]] = [
    (LOGIN, {"i": {**CREDENTIALS, "otp": "1"}}),
    (LOGIN, {"i": {**CREDENTIALS, "pasword": SECRET}}),
    (LOGIN, {"i": {**CREDENTIALS, "deviceToken": [SECRET]}}),
    (LOGIN, {"i": {"password": SECRET}}),
    (LOGIN, {"i": [CREDENTIALS, CREDENTIALS]}),
    (LOGIN, {"i": [[SECRET]]}),
    (LOGIN, {"i": SECRET}),
    (LOGIN, {"i": NUMBER}),
    (LOGIN, {"i": {**CREDENTIALS, "password": [SECRET]}}),
    (LOGIN, {"i": {**CREDENTIALS, "password": {"value": SECRET}}}),
    (LOGIN, {"i": {**CREDENTIALS, "password": NUMBER}}),
    (LOGIN, {"i": {**CREDENTIALS, "password": NUMBER + 0.5}}),
    (LOGIN, {"i": {**CREDENTIALS, "password": SECRET * 4000}}),
    (LOGIN, {"i": {**CREDENTIALS, "password": None, "email": NUMBER}}),
    (LOGIN, {"password": SECRET}),
    (REGISTER, {"i": {**CREDENTIALS, "name": {"first": SECRET}}}),
    (REGISTER, {"i": {**CREDENTIALS, "name": "x", ", found: ": SECRET}}),
    (CHANGE, {"a": [SECRET], "b": NUMBER}),
    (CHANGE, {"a": SECRET}),
    (RESET, {"t": NUMBER, "p": {"p": SECRET}}),
    (REFRESH, {"t": [SECRET]}),
]

DOCUMENTS = [
    f"mutation {{ login(input: {fields}) {{ accessToken }} }}"
    for fields in (
        f'{{email: "a@b.test", password: "{SECRET}", otp: "1"}}',
        f'{{password: "{SECRET}"}}',
        f'["{SECRET}"]',
        f'"{SECRET}"',
        f'"""{SECRET}"""',
        f'{{email: "a@b.test", password: ["{SECRET}"]}}',
        f'{{email: "a@b.test", password: {{value: "{SECRET}"}}}}',
        f'{{email: "a@b.test", password: {NUMBER}}}',
        f'{{email: "a@b.test", password: {NUMBER}.5}}',
        '{email: "a@b.test", password: SecretPass1}',
        f'{{email: "a@b.test" "{SECRET}"}}',
        f'{{email: "a@b.test" """{SECRET}"""}}',
        f'{{email: "a@b.test" {NUMBER}}}',
        f'{{email: "a@b.test", password: "{SECRET}\\n',
        f'{{email: "a@b.test", password: "{SECRET}" ',
        f"{{email: 'a@b.test', password: '{SECRET}'}}",
        f'{{email: "a@b.test", password: "{SECRET}"}}, first: "{SECRET}"',
    )
] + [
    f'mutation($i: LoginInput! = {{password: "{SECRET}"}}) {{ login(input: $i) {{ accessToken }} }}',
    f'mutation($i: LoginInput! = "{SECRET}") {{ login(input: $i) {{ accessToken }} }}',
    f'"{SECRET}" {{ me {{ id }} }}',
    f'{{ me @include(if: "{SECRET}") {{ id }} }}',
    f'{{ products(first: "{SECRET}", sort: "{SECRET}") {{ nodes {{ id }} }} }}',
    f'{{ products(filter: {{price: {{min: "{SECRET}"}}}}) {{ nodes {{ id }} }} }}',
    f'{{ a: products(query: "{SECRET}") {{ nodes {{ id }} }} a: products(query: "x") {{ nodes {{ id }} }} }}',
]

REQUESTS = [*VARIABLES, *((document, None) for document in DOCUMENTS)]


def check(text: str, caplog: pytest.LogCaptureFixture) -> None:
    for part in (SECRET, SECRET[:-1], str(NUMBER)):
        assert part not in text
        assert part not in caplog.text


@pytest.mark.parametrize(("query", "variables"), REQUESTS)
async def test_no_error_by_post_or_get_repeats_a_secret(
    world: World, query: str, variables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    posted = await world.post({"query": query, "variables": variables}, signed_in=True)
    assert posted.json()["errors"]
    check(posted.text, caplog)
    params = {"query": query} | ({"variables": json.dumps(variables)} if variables else {})
    check((await world.http.get("/graphql", params=params)).text, caplog)


@pytest.mark.parametrize(("query", "variables"), REQUESTS)
async def test_no_error_over_a_socket_or_a_stream_repeats_a_secret(
    query: str, variables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as world, signed_in(world.app(), world.token()) as socket:
        socket.send(type="subscribe", id="1", payload={"query": query, "variables": variables})
        check(str(await socket.raw()), caplog)
    if variables is None:
        async with listening() as world, requested(world.app(), query, token=world.token()) as stream:
            await stream.started()
            check(await stream.text(), caplog)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"query": "{SECRET}", "variables": {{"password": "{SECRET}" "x"}}}}',
        f'{{"query": ["{SECRET}"]}}',
        f'{{"query": {NUMBER}}}',
        f'{{"variables": "{SECRET}", "query": "x"}}',
        f'{{"query": "x", "variables": {{"p": "{SECRET}\\ud83d"}}}}',
        f'{{"query": "x", "operationName": "{SECRET}"}}',
        f'{{"query": "{{ me {{ id }} }}", "operationName": "{SECRET}"}}',
        f'{{"query": "x", "extensions": {{"persistedQuery": "{SECRET}"}}}}',
        f'"{SECRET}"',
    ],
)
async def test_no_error_of_a_malformed_request_repeats_a_secret(
    world: World, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    check((await world.post(body.encode())).text, caplog)
    for params in ({"query": body}, {"query": "{ me { id } }", "variables": body}, {SECRET: body}):
        check((await world.http.get("/graphql", params=params)).text, caplog)
    async with listening() as servers, signed_in(servers.app(), servers.token()) as socket:
        socket.send_text(f'{{"type": "subscribe", "id": "1", "payload": {body}}}')
        check(str(await socket.raw()), caplog)


@pytest.mark.parametrize(
    "payload", [SECRET, [SECRET], {"Authorization": SECRET}, {"Authorization": [SECRET]}]
)
async def test_no_close_reason_repeats_a_secret(payload: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as world, connected(world.app()) as socket:
        await socket.raw()
        socket.send(type="connection_init", payload=payload)
        check(str(await socket.raw()), caplog)
