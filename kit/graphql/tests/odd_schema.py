"""A schema whose values are mostly as declared, and now and then are not: null, of another class, an error, awaitable."""

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Annotated, Any, Final

import strawberry

from kit.errors import InvalidArgument
from kit.graphql import FieldCosts, ResolverContext, TextLimits, build_schema, relation
from kit.graphql.scalars import SCALARS, Amount

_NODES: Final = 6


@strawberry.enum
class Color(Enum):
    RED = "red"
    GREEN = 2


@strawberry.type
class Node:
    id: strawberry.ID
    name: str
    nickname: str | None
    count: int
    ratio: float | None
    flag: bool
    price: Amount
    color: Color | None
    colors: list[Color]
    tags: list[str]
    labels: list[str | None] | None
    matrix: list[list[int]]
    child: "Node | None"
    twin: "Node"
    children: list["Node"]
    slots: list["Node | None"] | None


class Later:
    """An awaitable that can be awaited several times."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[None, None, Any]:
        yield
        return self.value


@dataclass
class World:
    """Values from one seed; `oddity` is the share of those that are not as declared. `calls` are what the resolvers received."""

    seed: int
    oddity: float
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        nodes = [self._node() for _ in range(_NODES)]
        for node in nodes:
            self._link(node, nodes)
        self.root = nodes[0]

    def result(self, info: "Info", value: Any, **arguments: Any) -> Any:
        """What the resolver returns; the same for the same seed, path and arguments."""
        name, nodes = info.field_name, [node.loc for node in info._raw_info.field_nodes]
        call = f"{info.path.as_list()} {nodes} {info._raw_info.variable_values.coerced} {arguments}"
        self.calls.append(call)
        random = Random(f"{self.seed} {call}")
        if random.random() >= self.oddity:
            return value
        if random.random() < 0.5:
            raise random.choice([KeyError(name), InvalidArgument(f"{name} is wrong")])
        return random.choice([None, "odd", ValueError("a value"), [value, value]])

    def _odd(self, value: Any) -> Any:
        if self._random.random() >= self.oddity:
            return value
        odd = [
            None,
            7,
            "odd",
            True,
            1.5,
            2**40,
            float("inf"),
            [],
            [None],
            {"a": 1},
            ValueError("odd"),
            Later(value),
            Color.RED,
        ]
        return self._random.choice([*odd, (value, value), frozenset()])

    def _list(self, make: Any) -> Any:
        return self._odd([self._odd(make()) for _ in range(self._random.randint(0, 2))])

    def _node(self) -> Any:
        random = self._random
        return Node(
            id=self._odd(strawberry.ID(str(random.randint(0, 9)))),
            name=self._odd(random.choice("abc")),
            nickname=self._odd(random.choice([None, "n"])),
            count=self._odd(random.randint(-5, 5)),
            ratio=self._odd(random.choice([None, 0.5, 2])),
            flag=self._odd(random.random() < 0.5),
            price=self._odd(Amount("1.50")),
            color=self._odd(random.choice([None, *Color])),
            colors=self._list(lambda: random.choice(list(Color))),
            tags=self._list(lambda: random.choice("xyz")),
            labels=self._list(lambda: random.choice([None, "l"])),
            matrix=self._list(lambda: self._list(lambda: random.randint(0, 9))),
            child=None,
            twin=None,  # type: ignore[arg-type]
            children=[],
            slots=None,
        )

    def _link(self, node: Any, nodes: list[Any]) -> None:
        """Gives a node its relations, so that documents of any depth have values."""
        random = self._random
        node.child = self._odd(random.choice([None, *nodes]))
        node.twin = self._odd(random.choice(nodes))
        node.children = self._list(lambda: random.choice(nodes))
        node.slots = self._odd([self._odd(random.choice([None, *nodes])) for _ in range(2)])


class Context(ResolverContext):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world


Info = strawberry.Info[Context, None]


@strawberry.input
class Filter:
    text: str | None = None
    colors: list[Color] | None = None
    count: int = 3
    price: Amount | None = strawberry.UNSET
    inner: "Filter | None" = None


Text = Annotated[str | None, strawberry.argument(description="Some text.")]


@relation(Node, description="Another node.")
async def related(self: Node, info: Info, first: int = 2, text: Text = None) -> Node | None:
    result: Node | None = info.context.world.result(info, self, first=first, text=text)
    return result


@relation(Node, description="Nodes.")
async def others(self: Node, info: Info, colors: list[Color]) -> list[Node]:
    result: list[Node] = info.context.world.result(info, [self, self], colors=colors)
    return result


@relation(Node, description="Computed without waiting.")
def computed(self: Node, info: Info) -> int:
    result: int = info.context.world.result(info, 5)
    return result


@strawberry.type
class Query:
    @strawberry.field
    async def node(
        self,
        info: Info,
        id: strawberry.ID,
        first: int | None = 20,
        filter: Filter | None = None,
        colors: list[Color] | None = None,
    ) -> Node | None:
        world, arguments = info.context.world, {"first": first, "filter": filter, "colors": colors}
        result: Node | None = world.result(info, world.root, id=id, **arguments)
        return result

    @strawberry.field
    async def nodes(self, info: Info, price: Amount | None = None) -> list[Node] | None:
        world = info.context.world
        result: list[Node] | None = world.result(info, [world.root, world.root], price=price)
        return result

    @strawberry.field
    async def number(self, info: Info) -> int:
        result: int = info.context.world.result(info, 1)
        return result


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change(self, info: Info, input: Filter) -> Node:
        world = info.context.world
        result: Node = world.result(info, world.root, input=input)
        return result

    @strawberry.mutation
    async def touch(self, info: Info, flag: bool = True) -> bool | None:
        result: bool | None = info.context.world.result(info, flag, flag=flag)
        return result


TEXTS = TextLimits(default=40)
SCHEMA = build_schema(Query, Mutation, scalars=SCALARS, texts=TEXTS)
COSTS = FieldCosts(weights={}, list_sizes={})
