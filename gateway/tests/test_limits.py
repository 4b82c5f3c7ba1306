"""Every limit of what is asked: a setting each, an error each; and what is shut outside development."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.app import build
from gateway.settings import Settings
from gateway.tests.world import NOWHERE, opened
from kit.settings import SettingsError, load
from kit.values import PRODUCT

# Setting, value, a document within it, one beyond it, and the reason of the error.
LIMITS = [
    ("MAX_DEPTH", 3, "{ orders { nodes { id } } }", "{ orders { nodes { lines { name } } } }", "TOO_DEEP"),
    ("MAX_FIELDS", 3, "{ me { id name } }", "{ me { id name email } }", "TOO_MANY_FIELDS"),
    ("MAX_ALIASES", 1, "{ a: me { id } }", "{ a: me { b: id } }", "TOO_MANY_ALIASES"),
    (
        "MAX_DIRECTIVES",
        1,
        "{ me { id @skip(if: false) } }",
        "{ me @include(if: true) { id @skip(if: false) } }",
        "TOO_MANY_DIRECTIVES",
    ),
    (
        "MAX_DEFINITIONS",
        2,
        "{ ...f } fragment f on Query { me { id } }",
        "{ ...f ...g } fragment f on Query { me { id } } fragment g on Query { me { id } }",
        "TOO_MANY_DEFINITIONS",
    ),
    (
        "MAX_SPREADS",
        1,
        "{ ...f } fragment f on Query { me { id } }",
        "{ ...f ...f } fragment f on Query { me { id } }",
        "TOO_MANY_SPREADS",
    ),
    (
        "MAX_SELECTIONS",
        5,
        "{ ...f } fragment f on Query { me { id name } }",
        "{ ...f ...f } fragment f on Query { me { id } }",
        "TOO_MANY_SELECTIONS",
    ),
    ("MAX_TOKENS", 6, "{ me { id } }", "{ me { id name } }", "TOO_MANY_TOKENS"),
    ("MAX_CHARACTERS", 13, "{ me { id } }", "{ me { id }  }", "TOO_LONG"),
    (
        "MAX_COST",
        100,
        "{ accounts(first: 40) { nodes { id } } }",
        "{ accounts(first: 95) { nodes { id } } }",
        "TOO_COSTLY",
    ),
]


@pytest.mark.parametrize(("setting", "limit", "within", "beyond", "reason"), LIMITS)
async def test_each_limit_has_a_setting_and_a_reason(
    tmp_path: Path, setting: str, limit: int, within: str, beyond: str, reason: str
) -> None:
    async with opened(tmp_path, environment={setting: str(limit)}) as world:
        assert "errors" not in (await world.post({"query": within}, signed_in=True)).json()
        world.recorder.calls.clear()
        [error] = (await world.post({"query": beyond}, signed_in=True)).json()["errors"]
        assert world.recorder.calls == []
    extensions = error["extensions"]
    assert (extensions["code"], extensions["reason"], extensions["limit"]) == (
        "QUERY_TOO_COMPLEX",
        reason,
        limit,
    )
    assert extensions["cost"] > limit
    async with opened(tmp_path) as world:
        assert "errors" not in (await world.post({"query": beyond}, signed_in=True)).json()


async def test_the_maximum_size_of_a_body_is_a_setting(tmp_path: Path) -> None:
    async with opened(tmp_path, MAX_BODY_BYTES="64") as world:
        body = b'{"query": "{ me { id } }"}'
        assert (await world.post(body.ljust(64))).status_code == 200
        assert (await world.post(body.ljust(65))).status_code == 413


async def test_the_deadline_of_a_request_reaches_every_call(tmp_path: Path) -> None:
    async with opened(tmp_path, REQUEST_SECONDS="0.3") as world:
        world.recorder.waits = 30.0
        answer = await world.ask(
            "query($id: ID!) { me { id } product(id: $id) { id } }", id=PRODUCT.format(PRODUCT.new())
        )
    assert answer["data"] == {"me": None, "product": None}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"DEADLINE_EXCEEDED"}
    assert world.recorder.left
    assert all(seconds and 0 < seconds <= 0.3 for seconds in world.recorder.left)


NAMES = "ACCOUNT_ADDRESS CATALOG_ADDRESS ORDER_ADDRESS PAYMENT_ADDRESS NOTIFICATION_ADDRESS KAFKA_BOOTSTRAP"


def production(**more: str) -> Mapping[str, str]:
    needed = {
        "PROFILE": "production",
        "HTTP_PORT": "8080",
        "JWKS_URL": "http://127.0.0.1:1",
        "REDIS_URL": NOWHERE,
    }
    return {**needed, **dict.fromkeys(NAMES.split(), "127.0.0.1:1"), **more}


def test_introspection_and_suggestions_are_off_outside_development() -> None:
    settings: Any = load(Settings, production())
    assert (settings.introspection, settings.playground, settings.suggestions) == (False, False, False)
    assert settings.cors_origins == ()
    assert settings.rate_limit_points == 20_000
    assert settings.sign_in_tries == 20
    chosen = load(Settings, production(INTROSPECTION="true"))
    assert chosen.introspection


def test_the_playground_is_not_served_outside_development() -> None:
    paths = {path for route in build(load(Settings, production())).routes for path in route.paths}
    assert paths == {"/graphql"}
    here = build(load(Settings, {"PROFILE": "development"})).routes
    assert {path for route in here for path in route.paths} >= {"/", "/graphql", "/playground"}


def test_an_unreadable_allow_list_stops_the_start(tmp_path: Path) -> None:
    for content in (None, "{", "[]", '{"0": 1}'):
        path = tmp_path / "documents.json"
        if content is not None:
            path.write_text(content)
        with pytest.raises((OSError, ValueError)):
            build(load(Settings, production(ALLOWED_DOCUMENTS=str(path))))


def test_an_invalid_limit_is_rejected() -> None:
    with pytest.raises(SettingsError) as raised:
        load(Settings, production(MAX_DEPTH="0", MAX_COST="many", REQUEST_SECONDS="0"))
    assert all(name in str(raised.value) for name in ("MAX_DEPTH", "MAX_COST", "REQUEST_SECONDS"))
