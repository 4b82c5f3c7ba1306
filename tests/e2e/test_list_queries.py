"""What a list query asks of services and servers, counted in its trace: as much for a long page as for a short one.

The stack is one of its own, which sends its spans here.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.ground import state_folder
from tests.e2e.shop import Person, Shop, within

SCHEMA = Path(__file__).parents[2] / "gateway" / "schema.graphql"
SHORT, LONG = 2, 12
SERVER, CLIENT = 2, 3
# What is selected of each kind of thing that lists hold: every relation of it.
ORDER = """
id account { name orders(first: 1) { nodes { id } } } payment { status refunds { id } } notifications { subject }
lines { product { name stock category { name } } }
"""
WITHIN = {
    "Account": f"id orders(first: 1) {{ totalCount nodes {{ {ORDER} }} }} notifications(first: 3) {{ nodes {{ id }} }}",
    "AuditEvent": "id action",
    "Notification": "id subject",
    "Order": ORDER,
    "Product": "id available stock category { name productCount }",
}


@dataclass
class Collector:
    """Takes spans by OTLP over HTTP."""

    traces: dict[str, list[Any]] = field(default_factory=dict)

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            [service] = [
                a.value.string_value for a in resource.resource.attributes if a.key == "service.name"
            ]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.traces.setdefault(span.trace_id.hex(), []).append((service, span))

    def complete(self, trace: str) -> list[Any] | None:
        """The spans of a trace once its request and every call of it were answered on both sides."""
        spans = list(self.traces.get(trace, ()))
        served = {span.parent_span_id for _, span in spans if span.kind == SERVER}
        called = {span.span_id for _, span in spans if span.kind == CLIENT and span.name.startswith("souk.")}
        answered = any(service == "gateway" and span.kind == SERVER for service, span in spans)
        return spans if answered and called <= served else None


@pytest.fixture(scope="session")
def collector() -> Iterator[tuple[Collector, str]]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.rfile.read(int(self.headers["Content-Length"])))
            body = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def ports(collector: tuple[Collector, str]) -> Iterator[Ports]:
    with pytest.MonkeyPatch.context() as environment, state_folder() as state:
        environment.setenv("OTLP_ENDPOINT", collector[1])
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        # A client's traceparent names a trace, and does not have it kept.
        environment.setenv("TRACE_SAMPLE_RATIO", "1")
        ports = Ports.free()
        stack = Stack(state, ports, products=60, mail="count")
        stack.start()
        yield ports
        stack.stop()


@dataclass
class Watched:
    """An ADMIN whose requests are traced, and somebody who has bought much."""

    collector: Collector
    ports: Ports
    admin: Person
    buyer: Person

    async def ask(self, document: str) -> tuple[Mapping[str, Any], Counter[str]]:
        """The answer, and what was asked of whom for it, how often."""
        await self._forget_caches()
        trace = secrets.token_hex(16)
        headers = {
            "Authorization": f"Bearer {self.admin.token}",
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
        }
        answer = await self.admin.shop.post({"query": document}, headers)
        assert not answer.errors, answer.errors
        assert answer.data is not None

        async def whole() -> list[Any] | None:
            return self.collector.complete(trace)

        spans = await within(20, whole, f"the trace of {document}")
        return answer.data, Counter(asked(service, span) for service, span in spans if span.kind == CLIENT)

    async def _forget_caches(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports.redis)
        writer.write(b"FLUSHALL\r\n")
        assert await reader.readline() == b"+OK\r\n"
        writer.close()
        await writer.wait_closed()


def asked(service: str, span: Any) -> str:
    """Numbers in a statement are sizes of pages."""
    [*text] = [a.value.string_value for a in span.attributes if a.key == "db.query.text"]
    statement = re.sub(r"\d+", "N", " ".join(" ".join(text).split()))
    return f"{service}: {span.name.split()[0]} {statement}"


def calls(asked: Counter[str]) -> int:
    return sum(count for what, count in asked.items() if ": souk." in what)


def statements(asked: Counter[str]) -> int:
    return sum(count for what, count in asked.items() if ": postgresql" in what)


@pytest.fixture
async def watched(ports: Ports, collector: tuple[Collector, str]) -> AsyncIterator[Watched]:
    gateway = f"http://127.0.0.1:{ports.gateway}"
    async with Shop(
        gateway, f"http://127.0.0.1:{ports.mail_web}", f"http://127.0.0.1:{ports.stripe}"
    ) as shop:
        admin = await shop.admin()
        people = [await shop.register() for _ in range(LONG)]
        products = [await admin.create_product(stock=1000, category="Lamps") for _ in range(LONG + 1)]
        orders = [
            (person, await person.buy(products[at], products[at + 1])) for at, person in enumerate(people)
        ]
        orders += [(people[-1], await people[-1].buy(product)) for product in products]
        for person, order in orders:
            await person.sees(order["id"], "CONFIRMED", seconds=120)
        await people[-1].gets_mail("confirmed", orders[-1][1]["id"], seconds=120)
        yield Watched(collector[0], ports, admin, people[-1])


def lists() -> list[tuple[str, str, str]]:
    """(type, field, what it lists) of every field with pages."""
    found = []
    for name, kind in build_schema(SCHEMA.read_text()).type_map.items():
        if isinstance(kind, GraphQLObjectType):
            for field_name, each in kind.fields.items():
                of = get_named_type(each.type).name
                if "first" in each.args and of.endswith("Connection"):
                    found.append((name, field_name, of.removesuffix("Connection")))
    return found


async def test_a_list_makes_the_same_calls_and_statements_whatever_its_size(watched: Watched) -> None:
    assert len(lists()) >= 7
    different = []
    for parent, name, of in lists():
        found: list[Counter[str]] = []
        for size in (SHORT, LONG):
            inner = f"{name}(first: {size}) {{ totalCount edges {{ cursor }} nodes {{ {WITHIN[of]} }} }}"
            document = {
                "Query": f"{{ {inner} }}",
                "Account": f'{{ account(id: "{watched.buyer.id}") {{ {inner} }} }}',
            }[parent]
            answer, counted = await watched.ask(document)
            page = answer[name] if parent == "Query" else answer["account"][name]
            assert len(page["nodes"]) == size, f"{parent}.{name} has too few to tell"
            found.append(counted)
        print(f"{parent}.{name}: {calls(found[0])} calls, {statements(found[0])} statements")
        assert calls(found[1]) > 0
        # A search reads one: the stock, in one statement with what others ask at that moment, which is in nobody's trace.
        assert statements(found[1]) > 0 or of == "Product"
        if found[0] != found[1]:
            different.append((f"{parent}.{name}", found[1] - found[0], found[0] - found[1]))
    assert not different
