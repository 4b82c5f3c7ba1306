"""Contracts and those who keep them: every RPC and every fact has its two ends, and a test."""

import re

import pytest

from dev.event_catalogue import catalogue
from tests.house.house import SERVICES, python, rpcs, text_of
from tests.lint.checkout import ROOT


@pytest.mark.parametrize(("service", "rpc"), rpcs())
def test_every_rpc_has_a_test_that_names_it(service: str, rpc: str) -> None:
    room = ROOT / service if service in SERVICES else ROOT / "kit" / service
    tests = text_of(list((room / "tests").glob("*.py")))
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()
    assert f'"{rpc}"' in tests or f"test_{snake}" in tests, f"no test of {service} names {rpc}"


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "gateway"])
def test_what_is_declared_as_a_fact_is_published(service: str) -> None:
    events = ROOT / "proto" / "souk" / service / "v1" / "events.proto"
    if not events.exists():
        return
    published = (ROOT / service / "events.py").read_text()
    for fact in re.findall(r"^message (\w+)", events.read_text(), re.MULTILINE):
        assert f"pb.{fact}" in published, f"{service} publishes no {fact}"


def test_what_is_subscribed_to_is_published_by_somebody() -> None:
    declared = {
        name
        for path in (ROOT / "proto").rglob("events.proto")
        for name in re.findall(r"^message (\w+)", path.read_text(), re.MULTILINE)
    }
    heard = set()
    for service in SERVICES:
        room = ROOT / service / "consumers.py"
        if room.exists():
            heard |= set(re.findall(r"\b(?:pb|account|catalog|order|payment)\.([A-Z]\w+)", room.read_text()))
    assert heard, "nobody listens to anything"
    assert heard <= declared


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
