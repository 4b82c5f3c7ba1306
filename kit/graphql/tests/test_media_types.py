"""Which media type a response has."""

import pytest

from kit.graphql.content_negotiation import EVENTS, GRAPHQL_JSON, JSON, negotiate
from kit.graphql.tests.requests import error, world
from kit.graphql.tests.world import World

__all__ = ["world"]


# Accept headers of common clients, and edge cases.
@pytest.mark.parametrize(
    ("header", "best", "events"),
    [
        (None, JSON, False),
        ("", JSON, False),
        ("*/*", JSON, False),
        ("application/json", JSON, False),
        ("application/graphql-response+json", GRAPHQL_JSON, False),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_JSON, False),
        ("application/json, application/graphql-response+json", JSON, False),
        (
            "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
            GRAPHQL_JSON,
            True,
        ),
        ("text/event-stream", EVENTS, True),
        ("text/event-stream;q=0.5, application/json", JSON, True),
        ("text/event-stream, application/json;q=0.9", EVENTS, True),
        ("application/json;q=0.5, text/event-stream;q=0.6", EVENTS, True),
        ("application/json, text/event-stream;q=0", JSON, False),
        ("application/json;q=0, */*", GRAPHQL_JSON, False),
        ("application/json;q=0, application/graphql-response+json;q=0.0, */*;q=0.1", EVENTS, False),
        ("application/*;q=0.2, text/*;q=0.1", JSON, True),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON, False),
        ("APPLICATION/JSON ; charset=utf-8 ; Q=0.7, text/event-stream ; q=0.3", JSON, True),
        ("application/json;q=1.000, application/graphql-response+json;q=0.001", JSON, False),
        ("text/html", None, False),
        ("*/*;q=0", None, False),
        ("application/json;q=0", None, False),
        ("text/event-stream;q=0, application/json;q=0", None, False),
        ("application/json;q=nan", JSON, False),
        ("application/json;q=", JSON, False),
        (",,;q=1,;;", None, False),
    ],
)
def test_weights_and_order_of_accept_decide(header: str | None, best: str | None, events: bool) -> None:
    accepted = negotiate(header)
    assert (accepted.best, accepted.events) == (best, events)


async def test_the_response_has_the_negotiated_media_type(world: World) -> None:
    for accept, media_type in (
        ("text/event-stream;q=0.5, application/json", JSON),
        ("application/json;q=0.1, application/graphql-response+json;q=0.2", GRAPHQL_JSON),
        ("application/json;q=0.1, text/event-stream", EVENTS),
    ):
        response = await world.post({"query": "{ __typename }"}, accept=accept)
        assert response.headers["content-type"] == media_type
    rejected = await world.post({"query": "{ __typename }"}, accept="application/json;q=0, text/html")
    assert (rejected.status_code, error(rejected)["reason"]) == (406, "NOT_ACCEPTABLE")
    lines = await world.http.get(
        "/graphql",
        params={"query": "{ __typename }"},
        headers=[("accept", "application/json;q=0.1"), ("accept", GRAPHQL_JSON)],
    )
    assert lines.headers["content-type"] == GRAPHQL_JSON
