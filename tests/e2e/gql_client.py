"""Uses Python's gql against the gateway: python gql_client.py SETTINGS prints the results as JSON. Runs with the clients' own packages."""

import asyncio
import json
import sys
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

QUERY = "query Product($id: ID!) { product(id: $id) { id name } }"
FAILING = "query Failing($id: ID!) { order(id: $id) { id } }"
MUTATION = "mutation Order($input: CreateOrderInput!) { createOrder(input: $input) { id } }"
SUBSCRIPTION = "subscription Updated($id: ID!) { orderUpdated(id: $id) { id status } }"


async def main(settings: dict[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {settings['token']}"}
    result: dict[str, Any] = {}
    async with Client(transport=HTTPXAsyncTransport(settings["url"], headers=headers)) as session:

        async def execute(document: str, **variables: Any) -> Any:
            request = gql(document)
            request.variable_values = variables
            return await session.execute(request)

        result["query"] = (await execute(QUERY, id=settings["product"]))["product"]["name"]
        try:
            await execute(FAILING, id="x")
        except TransportQueryError as error:
            result["error"] = [details["extensions"]["code"] for details in error.errors or []]
        line = {"id": settings["product"], "quantity": 1}
        result["mutation"] = (await execute(MUTATION, input={"products": [line]}))["createOrder"]["id"]

    sockets = WebsocketsTransport(
        settings["socket"],
        init_payload=headers,
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    async with Client(transport=sockets) as session:
        request = gql(SUBSCRIPTION)
        request.variable_values = {"id": result["mutation"]}
        result["subscription"] = []
        async for response in session.subscribe(request):
            result["subscription"].append(response["orderUpdated"]["status"])
            if result["subscription"][-1] in ("CONFIRMED", "CANCELLED"):
                break
    return result


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
