"""What counts as a failed request."""

from tests.e2e.responses import Response
from tests.e2e.shop import Shop
from tests.upgrade.traffic import Traffic


def _traffic() -> Traffic:
    return Traffic(Shop("http://127.0.0.1:1", "", ""), ["user.0@example.com"])


async def test_an_expected_response_is_returned_and_recorded() -> None:
    traffic = _traffic()

    async def call() -> int:
        return 5

    with traffic.during("roll order"):
        assert await traffic.request("me", call(), lambda number: number == 5) == 5
    [request] = traffic.figures.requests
    assert (request.operation, request.phase, request.failure) == ("me", "roll order", "")
    assert traffic.figures.phases["roll order"] >= request.seconds


async def test_an_unexpected_response_is_a_failure() -> None:
    traffic = _traffic()

    async def call() -> int:
        return 4

    assert await traffic.request("me", call(), lambda number: number == 5) is None
    assert [request.failure for request in traffic.figures.failures] == ["unexpected response 4"]


async def test_a_gateway_that_does_not_respond_is_a_failure() -> None:
    traffic = _traffic()
    async with traffic.shop as shop:
        assert await traffic.request("me", shop.execute("query { me { id } }"), bool) is None
    [failure] = traffic.figures.failures
    assert failure.failure.startswith("ConnectError")


async def test_a_response_with_errors_is_a_failure_and_not_returned() -> None:
    traffic = _traffic()

    async def call() -> Response:
        return Response(200, None, ({"message": "internal error"},))

    assert await traffic.request("me", call(), lambda response: response.get("me")) is None
    [failure] = traffic.figures.failures
    assert "internal error" in failure.failure
