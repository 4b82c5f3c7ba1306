"""Plans what a request asks and takes what it costs, for every transport alike.

A document that is not known yet is charged by its length before it is parsed; what the price says beyond that is charged before it is
executed. Not here: prices (gateway.cost), buckets (gateway.rates).
"""

from dataclasses import replace
from typing import ClassVar, Final

from graphql import OperationType

from gateway.execution import LEAST_COST, Executor, Plan
from gateway.persisted import Persisted
from gateway.rates import Rates, Spent
from gateway.reading import Body
from kit.auth import Principal
from kit.errors import InvalidArgument, SoukError

# Parsing and validating a document takes up to 10 µs a character, executing a point's worth of it about 1 ms.
_CHARACTERS_A_POINT: Final = 100
# Reading variables is cheap, but not free.
_BYTES_A_POINT: Final = 2048


class NoQuery(InvalidArgument):
    """The request has neither a document nor a hash of one."""

    reason = "BAD_REQUEST"


class NotByGet(InvalidArgument):
    """A GET changes nothing: links and pages of other sites make them unasked."""

    code: ClassVar[str] = "BAD_REQUEST"
    reason = "METHOD_NOT_ALLOWED"


class Admission:
    """The one way from a request to a plan that is paid for."""

    def __init__(self, executor: Executor, rates: Rates, persisted: Persisted) -> None:
        self._executor = executor
        self._rates = rates
        self._persisted = persisted

    async def admit(
        self, body: Body, size: int, principal: Principal | None, address: str, *, reads: bool = False
    ) -> tuple[Plan, Spent]:
        """A plan, and what it cost; `size` is that of the whole request in bytes. Raises NoQuery, and NotByGet for what `reads` only.

        A client that may not ask just now gets a plan that is refused, and `Spent.refused`. It pays the least cost all the same.
        """
        who = str(principal.account_id) if principal else None
        least, paid = LEAST_COST + size // _BYTES_A_POINT, 0
        spent: Spent | None = None
        try:
            text = await self._persisted.document(body.query, body.extensions)
        except SoukError as error:
            # Clients that send hashes expect this answer as any other of GraphQL's.
            plan = Plan.none(error)
        else:
            if text is None:
                raise NoQuery("the body must have a query")
            if not self._executor.knows(text):
                least += min(len(text), self._executor.most_characters) // _CHARACTERS_A_POINT
                spent = await self._rates.spend(who, address, least)
                if spent.refused is not None:
                    return Plan.none(spent.refused), spent
                paid = least
            plan = self._executor.plan(text, body.variables, body.operationName)
            if plan.operation is not None:
                await self._persisted.keep(text, body.extensions)
        if reads and plan.operation is not None and plan.operation.type is OperationType.MUTATION:
            raise NotByGet("mutations are asked by POST")
        cost = max(plan.cost, least)
        if spent is None or cost > paid or plan.sign_ins:
            spent = await self._rates.spend(who, address, cost - paid, plan.sign_ins, least=least - paid)
            if spent.refused is not None:
                plan = Plan.none(spent.refused)
        return plan, replace(spent, cost=cost)
