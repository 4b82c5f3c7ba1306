"""The one way from a request to its results, for every transport: find the document, charge, plan, execute.

A document that is not cached is charged by its length before it is parsed; the rest of its cost is charged before it is executed.
"""

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any, ClassVar, Final, NamedTuple

from kit.auth import Principal
from kit.errors import InvalidArgument, SoukError
from kit.graphql.execution import MIN_COST, Executor, PlannedOperation
from kit.graphql.options import Options
from kit.graphql.parsing import BadRequest, GraphQLRequest
from kit.graphql.persisted import PersistedDocuments
from kit.graphql.rate_limits import RateLimiter, RateLimitResult
from kit.graphql.results import OperationResult
from kit.rpc import Call, current_call
from kit.telemetry import correlation_id
from kit.values.deadline import deadline

# Parsing and validating takes up to 10 µs per character, executing about 1 ms per point.
_CHARACTERS_PER_POINT: Final = 100
# Reading variables costs little, but not nothing.
_BYTES_PER_POINT: Final = 2048

ContextFactory = Callable[[Principal | None], Any]


class MutationByGet(InvalidArgument):
    """Browsers send a GET for any link or image of another site, so it must not change anything."""

    code: ClassVar[str] = "BAD_REQUEST"
    reason = "METHOD_NOT_ALLOWED"


class Client(NamedTuple):
    """Who sends a request: the account, if signed in, and the network address."""

    principal: Principal | None
    address: str


class Operations:
    """Admits, runs and streams operations. `context` makes the resolvers' context for a caller."""

    def __init__(
        self,
        executor: Executor,
        rate_limiter: RateLimiter,
        persisted: PersistedDocuments,
        context: ContextFactory,
        options: Options,
    ) -> None:
        self._executor = executor
        self._rate_limiter = rate_limiter
        self._persisted = persisted
        self._context = context
        self._request_seconds = options.http.request_seconds
        self._max_characters = options.documents.characters

    async def admit(
        self, request: GraphQLRequest, size: int, client: Client, *, read_only: bool = False
    ) -> tuple[PlannedOperation, RateLimitResult]:
        """A plan, and what was charged for it; `size` is the request's in bytes. Raises BadRequest and MutationByGet.

        A client over its rate limit gets a rejected plan and `RateLimitResult.rejection`, and is charged the minimum cost.
        """
        try:
            text = await self._persisted.find(request.query, request.extensions)
        except SoukError as error:
            # Clients of persisted queries expect a regular GraphQL response.
            return await self._charge(PlannedOperation.rejected(error), size, client)
        if text is None:
            raise BadRequest("the body must have a query")
        prepaid: RateLimitResult | None = None
        if not self._executor.is_cached(text):
            cost = _base_cost(size) + min(len(text), self._max_characters) // _CHARACTERS_PER_POINT
            prepaid = await self._consume(client, cost)
            if prepaid.rejection is not None:
                return PlannedOperation.rejected(prepaid.rejection), prepaid
        by_admin = client.principal is not None and client.principal.is_admin
        plan = self._executor.plan(text, request, by_admin=by_admin)
        if plan.operation is not None:
            await self._persisted.store(text, request.extensions)
        if read_only and plan.is_mutation:
            raise MutationByGet("mutations must use POST")
        return await self._charge(plan, size, client, prepaid)

    async def _charge(
        self, plan: PlannedOperation, size: int, client: Client, prepaid: RateLimitResult | None = None
    ) -> tuple[PlannedOperation, RateLimitResult]:
        """Charges what was not prepaid."""
        minimum = prepaid.cost if prepaid else _base_cost(size)
        paid = prepaid.cost if prepaid else 0
        cost, result = max(plan.cost, minimum), prepaid
        if result is None or cost > paid or plan.credential_attempts:
            result = await self._consume(
                client, cost - paid, plan.credential_attempts, minimum=minimum - paid
            )
            if result.rejection is not None:
                plan = PlannedOperation.rejected(result.rejection)
        return plan, result if result.cost == cost else replace(result, cost=cost)

    async def _consume(
        self, client: Client, cost: int, attempts: int = 0, *, minimum: int = 0
    ) -> RateLimitResult:
        # Guests share the points of their network: anyone can start many.
        principal = client.principal
        account_id = str(principal.account_id) if principal and not principal.guest else None
        return await self._rate_limiter.consume(account_id, client.address, cost, attempts, minimum=minimum)

    async def charge_rejected(self, address: str) -> RateLimitResult:
        """Charges a request that was rejected before its client was known."""
        return await self._rate_limiter.consume(None, address, MIN_COST)

    async def run(self, plan: PlannedOperation, client: Client) -> OperationResult:
        """The one result of a query or mutation."""
        self._set_request_context(plan, client)
        return await self._executor.run(plan, self._context(client.principal))

    def stream(self, plan: PlannedOperation, client: Client) -> AsyncGenerator[OperationResult]:
        """All results of an operation of any kind."""
        self._set_request_context(plan, client)
        return self._executor.stream(plan, self._context(client.principal))

    def _set_request_context(self, plan: PlannedOperation, client: Client) -> None:
        # Each operation runs in its own task, so the context variables end with it. Subscriptions get no deadline.
        if not plan.is_subscription:
            deadline.set(time.monotonic() + self._request_seconds)
        current_call.set(Call(client.principal, correlation_id.get(), client.address))


def _base_cost(size: int) -> int:
    return MIN_COST + size // _BYTES_PER_POINT
