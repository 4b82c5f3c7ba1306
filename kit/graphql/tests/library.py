"""A small API to test the server with: members of a library, their loans, and titles."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import strawberry

from kit.auth import Principal
from kit.errors import InvalidArgument, NotFound
from kit.graphql import Api, FieldCosts, Options, ResolverContext, TextLimits, build_schema, relation
from kit.graphql.documents import Documents
from kit.graphql.execution import Executor, PlannedOperation
from kit.graphql.parsing import GraphQLRequest
from kit.graphql.tests.options import OPTIONS

First = Annotated[int | None, strawberry.argument(description="Page size.")]


@strawberry.type
class PageInfo:
    end_cursor: str | None = None


@strawberry.type
class Member:
    id: strawberry.ID = strawberry.ID("1")
    name: str = "Ada"
    email: str = "ada@example.com"
    role: str = "READER"


@strawberry.type
class Title:
    id: strawberry.ID = strawberry.ID("1")
    name: str = "Emma"


@strawberry.type
class Loan:
    id: strawberry.ID = strawberry.ID("1")
    status: str = "OPEN"
    version: int = 1
    titles: list[Title] = strawberry.field(default_factory=list)


@strawberry.type
class LoanEdge:
    cursor: str
    node: Loan


@strawberry.type
class LoanConnection:
    edges: list[LoanEdge]
    nodes: list[Loan]
    page_info: PageInfo
    total_count: int | None = None


@strawberry.type
class FacetValue:
    value: str


@strawberry.type
class Facet:
    name: str
    values: list[FacetValue]


@strawberry.type
class TitleEdge:
    cursor: str
    node: Title
    highlight: str | None = None


@strawberry.type
class TitleConnection:
    edges: list[TitleEdge]
    nodes: list[Title]
    page_info: PageInfo
    total_count: int | None = None
    facets: list[Facet] | None = None


@strawberry.type
class Category:
    id: strawberry.ID
    slug: str


@dataclass
class Library:
    """The data, and the calls to resolvers with their arguments. `borrower` may read the one loan."""

    borrower: Principal | None = None
    loan: Loan = field(default_factory=Loan)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    watchers: set[asyncio.Event] = field(default_factory=set)

    def change(self, version: int, status: str) -> None:
        self.loan = replace(self.loan, version=version, status=status)
        for watcher in self.watchers:
            watcher.set()

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        watcher = asyncio.Event()
        self.watchers.add(watcher)
        try:
            yield watcher
        finally:
            self.watchers.discard(watcher)

    def read_loan(self, loan_id: str, principal: Principal | None) -> Loan:
        if not loan_id.isdigit():
            raise InvalidArgument("id must be a number")
        is_borrower = principal and self.borrower and principal.account_id == self.borrower.account_id
        if loan_id != self.loan.id or not is_borrower:
            raise NotFound("no such loan")
        return self.loan


class Context(ResolverContext):
    def __init__(self, library: Library, principal: Principal | None) -> None:
        super().__init__()
        self.library, self.principal = library, principal

    def called(self, name: str, **arguments: Any) -> None:
        self.library.calls.append((name, arguments))


Info = strawberry.Info[Context, None]


def _page_of_loans(info: Info) -> LoanConnection:
    loan = info.context.library.loan
    return LoanConnection(edges=[LoanEdge(cursor="1", node=loan)], nodes=[loan], page_info=PageInfo())


@relation(Member, description="The member's loans.")
async def loans(self: Member, info: Info, first: First = 20) -> LoanConnection | None:
    return _page_of_loans(info)


@relation(Loan, description="The member who borrowed.")
async def member(self: Loan, info: Info) -> Member | None:
    return Member()


@strawberry.input
class LoginInput:
    email: str
    password: str


@strawberry.type
class Query:
    @strawberry.field
    async def me(self, info: Info) -> Member | None:
        return Member() if info.context.principal else None

    @strawberry.field
    async def title(self, info: Info, id: strawberry.ID) -> Title | None:
        info.context.called("title", id=id)
        raise KeyError(id)

    @strawberry.field
    async def titles(self, info: Info, query: str | None = None, first: First = 20) -> TitleConnection | None:
        info.context.called("titles", query=query, first=first)
        nodes = [Title()]
        edges = [TitleEdge(cursor="1", node=node) for node in nodes]
        return TitleConnection(edges=edges, nodes=nodes, page_info=PageInfo())

    @strawberry.field
    async def loans(self, info: Info, first: First = 20) -> LoanConnection | None:
        info.context.called("loans", first=first)
        return _page_of_loans(info)

    @strawberry.field
    async def categories(self, info: Info) -> list[Category] | None:
        return []


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def login(self, info: Info, input: LoginInput) -> Member | None:
        info.context.called("login", email=input.email)
        return Member()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def loan_updated(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Loan | None]:
        library, principal = info.context.library, info.context.principal
        with library.watch() as changed:
            while True:
                changed.clear()
                yield library.read_loan(id, principal)
                await changed.wait()


COSTS = FieldCosts(
    weights={
        "Query.titles": 5,
        "Member.loans": 5,
        "TitleConnection.facets": 10,
        "TitleConnection.totalCount": 5,
    },
    list_sizes={"Category": 30, "Loan.titles": 5, "TitleConnection.facets": 4},
    credential_fields=frozenset({"login"}),
)
TEXTS = TextLimits(default=2000, by_name={"description": 20_000})
SCHEMA = build_schema(Query, Mutation, Subscription, texts=TEXTS)


def make_api(library: Library) -> Api:
    """The API over this library's data."""
    return Api(SCHEMA, COSTS, TEXTS, lambda principal: Context(library, principal))


class Planner:
    """Plans documents with a cache of its own."""

    def __init__(self, options: Options = OPTIONS) -> None:
        schema = SCHEMA._schema
        self._documents = Documents(schema, COSTS, options)
        self._executor = Executor(
            schema,
            self._documents,
            max_cost=options.documents.cost,
            max_text=TEXTS.longest,
            suggestions=options.suggestions,
        )

    @property
    def cached_bytes(self) -> int:
        """The accounted size of the cache."""
        return self._documents._cache.bytes

    def plan(self, text: str, variables: dict[str, Any] | None = None) -> PlannedOperation:
        return self._executor.plan(text, GraphQLRequest(text, variables), by_admin=False)
