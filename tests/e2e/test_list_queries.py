"""Counts the calls and statements of list queries in their traces: a long page needs as many as a short one.

The stack is its own, and sends its spans to the test.
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
from tests.e2e.responses import within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import state_folder

SCHEMA = Path(__file__).parents[2] / "gateway" / "schema.graphql"
SHORT, LONG = 2, 12
SERVER, CLIENT = 2, 3
# The fields to select of every listed type: all its relations.
ORDER = """
id account { name orders(first: 1) { nodes { id } } } payment { status refunds { id } } notifications { subject }
lines { product { name stock category { name } } }
"""
SELECTIONS = {
    "Account": f"id orders(first: 1) {{ totalCount nodes {{ {ORDER} }} }} notifications(first: 3) {{ nodes {{ id }} }}",
    "AuditEvent": "id action",
    "Notification": "id subject",
    "Order": ORDER,
    "Product": "id available stock category { name productCount }",
    "ShippingZone": "id places { countryCode } methods { rates { price } }",
    "Variant": "id available stock price product { name }",
}
SET_VARIANTS = """
mutation($id: ID!, $options: [ProductOptionInput!]!, $variants: [VariantInput!]!) {
  setVariants(productId: $id, options: $options, variants: $variants) { id }
}
"""
SET_ZONE = "mutation($zone: ShippingZoneInput!) { setShippingZone(input: $zone) { id } }"


@dataclass
class Collector:
    """Collects spans over OTLP/HTTP."""

    traces: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            [service] = [
                a.value.string_value for a in resource.resource.attributes if a.key == "service.name"
            ]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.traces.setdefault(span.trace_id.hex(), []).append((service, span))

    def complete(self, trace: str) -> list[Any] | None:
        """The spans of a trace once its request and all its calls are complete on both sides."""
        spans = list(self.traces.get(trace, ()))
        served = {span.parent_span_id for _, span in spans if span.kind == SERVER}
        called = {span.span_id for _, span in spans if span.kind == CLIENT and span.name.startswith("souk.")}
        finished = any(service == "gateway" and span.kind == SERVER for service, span in spans)
        return spans if finished and called <= served else None


@pytest.fixture(scope="session")
def collector() -> Iterator[tuple[Collector, str]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.add(self.rfile.read(int(self.headers["Content-Length"])))
            body = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Does not log requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield collector, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def ports(collector: tuple[Collector, str]) -> Iterator[Ports]:
    with pytest.MonkeyPatch.context() as environment, state_folder() as state:
        environment.setenv("OTLP_ENDPOINT", collector[1])
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        # A client's traceparent names the trace, but does not decide that it is sampled.
        environment.setenv("TRACE_SAMPLE_RATIO", "1")
        ports = Ports.free()
        stack = Stack(state, ports, products=60, mail="count")
        stack.start()
        yield ports
        stack.stop()


@dataclass
class TracedAdmin:
    """An ADMIN whose requests are traced, a buyer with many orders, and a product with many variants."""

    collector: Collector
    ports: Ports
    admin: Person
    buyer: Person
    product: str

    async def execute(self, document: str) -> tuple[Mapping[str, Any], Counter[str]]:
        """The data, and the number of every call and statement."""
        await self._clear_caches()
        trace = secrets.token_hex(16)
        headers = {
            "Authorization": f"Bearer {self.admin.token}",
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
        }
        response = await self.admin.shop.post({"query": document}, headers)
        assert not response.errors, response.errors
        assert response.data is not None

        async def complete() -> list[Any] | None:
            return self.collector.complete(trace)

        spans = await within(20, complete, f"the trace of {document}")
        return response.data, Counter(
            operation(service, span) for service, span in spans if span.kind == CLIENT
        )

    async def _clear_caches(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports.redis)
        writer.write(b"FLUSHALL\r\n")
        assert await reader.readline() == b"+OK\r\n"
        writer.close()
        await writer.wait_closed()


def operation(service: str, span: Any) -> str:
    """The call or statement of a span. Numbers in statements are page sizes and are replaced."""
    [*text] = [a.value.string_value for a in span.attributes if a.key == "db.query.text"]
    statement = re.sub(r"\d+", "N", " ".join(" ".join(text).split()))
    return f"{service}: {span.name.split()[0]} {statement}"


def calls(counts: Counter[str]) -> int:
    return sum(count for name, count in counts.items() if ": souk." in name)


def statements(counts: Counter[str]) -> int:
    return sum(count for name, count in counts.items() if ": postgresql" in name)


@pytest.fixture
async def traced(ports: Ports, collector: tuple[Collector, str]) -> AsyncIterator[TracedAdmin]:
    gateway = f"http://127.0.0.1:{ports.gateway}"
    async with Shop(
        gateway, f"http://127.0.0.1:{ports.mail_web}", f"http://127.0.0.1:{ports.stripe}"
    ) as shop:
        admin = await shop.admin()
        people = [await shop.register() for _ in range(LONG)]
        products = [await admin.create_product(stock=1000, category="Lamps") for _ in range(LONG + 1)]
        orders = [
            (person, await person.buy(products[index], products[index + 1]))
            for index, person in enumerate(people)
        ]
        orders += [(people[-1], await people[-1].buy(product)) for product in products]
        for person, order in orders:
            await person.wait_for_status(order["id"], "CONFIRMED", seconds=120)
        await people[-1].wait_for_mail("confirmed", orders[-1][1]["id"], seconds=120)
        product = await with_variants(admin)
        await create_zones(admin)
        yield TracedAdmin(collector[0], ports, admin, people[-1], product)


async def with_variants(admin: Person) -> str:
    """A product in one size more than a long page has."""
    product = await admin.create_product()
    sizes = [str(30 + size) for size in range(LONG + 1)]
    variants = [{"options": [{"name": "Size", "value": size}], "price": "9.99", "stock": 5} for size in sizes]
    options = [{"name": "Size", "values": sizes}]
    return str(
        (await admin.execute(SET_VARIANTS, id=product, options=options, variants=variants)).get(
            "setVariants"
        )["id"]
    )


async def create_zones(admin: Person) -> None:
    """One more than a long page has."""
    for number in range(LONG + 1):
        methods = [{"name": "Post", "rates": [{"currency": "USD", "price": "5.00"}]}]
        places = [{"countryCode": "AT", "postalPrefix": f"{number:02}"}]
        zone = {"name": f"Zone {number}", "places": places, "methods": methods}
        assert not (await admin.execute(SET_ZONE, zone=zone)).errors


def lists() -> list[tuple[str, str, str]]:
    """(type, field, listed type) of every paginated field."""
    result = []
    for name, kind in build_schema(SCHEMA.read_text()).type_map.items():
        if isinstance(kind, GraphQLObjectType):
            for field_name, definition in kind.fields.items():
                of = get_named_type(definition.type).name
                if "first" in definition.args and of.endswith("Connection"):
                    result.append((name, field_name, of.removesuffix("Connection")))
    return result


async def test_a_list_needs_the_same_calls_and_statements_for_any_page_size(traced: TracedAdmin) -> None:
    assert len(lists()) >= 7
    different = []
    for parent, name, of in lists():
        counters: list[Counter[str]] = []
        for size in (SHORT, LONG):
            inner = f"{name}(first: {size}) {{ totalCount edges {{ cursor }} nodes {{ {SELECTIONS[of]} }} }}"
            document = {
                "Query": f"{{ {inner} }}",
                "Account": f'{{ account(id: "{traced.buyer.id}") {{ {inner} }} }}',
                "Product": f'{{ product(id: "{traced.product}") {{ {inner} }} }}',
            }[parent]
            data, counter = await traced.execute(document)
            page = data[name] if parent == "Query" else data[parent.lower()][name]
            assert len(page["nodes"]) == size, f"{parent}.{name} has too few entries"
            counters.append(counter)
        print(f"{parent}.{name}: {calls(counters[0])} calls, {statements(counters[0])} statements")
        assert calls(counters[1]) > 0
        # A search reads only the stock, in a statement that it shares with concurrent requests and that is in no trace.
        assert statements(counters[1]) > 0 or of == "Product"
        if counters[0] != counters[1]:
            different.append((f"{parent}.{name}", counters[1] - counters[0], counters[0] - counters[1]))
    assert not different
