"""Every RPC has a test, and every event has a publisher and a consumer."""

import re

import pytest

from dev.event_catalogue import catalogue
from tests.house.house import SERVICES, python, rpcs, text_of
from tests.lint.checkout import ROOT


@pytest.mark.parametrize(("service", "rpc"), rpcs())
def test_every_rpc_has_a_test_that_names_it(service: str, rpc: str) -> None:
    room = ROOT / service if service in SERVICES else ROOT / "kit" / service
    tests = text_of(list(room.rglob("tests/*.py")))
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()
    assert f'"{rpc}"' in tests or f"test_{snake}" in tests, f"no test of {service} names {rpc}"


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "gateway"])
def test_every_declared_event_is_published(service: str) -> None:
    events = ROOT / "proto" / "souk" / service / "v1" / "events.proto"
    if not events.exists():
        return
    published = text_of(list((ROOT / service).rglob("events.py")))
    for event in re.findall(r"^message (\w+)", events.read_text(), re.MULTILINE):
        assert f"pb.{event}" in published, f"{service} does not publish {event}"


def test_every_failure_code_of_a_payment_is_explained_in_its_mail() -> None:
    contract = (ROOT / "proto" / "souk" / "payment" / "v1" / "payment.proto").read_text()
    codes = re.search(r"// ([\w, ]+ or \w+); empty unless FAILED", contract)
    explained = (ROOT / "notification" / "contexts" / "messages.py").read_text()
    assert codes
    for code in re.split(", | or ", codes[1]):
        assert f'"{code}": ' in explained, code


def test_every_consumed_event_is_declared() -> None:
    declared = {
        name
        for path in (ROOT / "proto").rglob("events.proto")
        for name in re.findall(r"^message (\w+)", path.read_text(), re.MULTILINE)
    }
    consumed: set[str] = set()
    for service in SERVICES:
        text = text_of(list((ROOT / service).rglob("consumers.py")))
        consumed |= set(re.findall(r"\b(?:pb|account|catalog|order|payment)\.([A-Z]\w+)", text))
    assert consumed, "no service consumes any event"
    assert consumed <= declared


def test_a_topic_is_named_by_its_package() -> None:
    topics = set(
        re.findall(
            r'"(souk\.\w+\.v\d+)"', text_of([p for p in python() if p.name in ("events.py", "consumers.py")])
        )
    )
    packages = {
        f"souk.{path.parent.parent.name}.{path.parent.name}"
        for path in (ROOT / "proto").rglob("events.proto")
    }
    assert topics <= packages


def test_the_page_of_events_is_up_to_date() -> None:
    assert (ROOT / "docs" / "events.md").read_text() == catalogue(ROOT), "run: make events"
