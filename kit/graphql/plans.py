"""What the executions of one operation share: the fields that it selects, and compiled functions that complete their values.

graphql-core stays the definition of execution: it coerces variables and arguments, calls the resolvers, and completes what is not compiled.
"""

from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo, get_nullable_type
from graphql.execution.collect_fields import CollectedFields, FieldDetails, GroupedFieldSet
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.pyutils import AwaitableOrValue, Path
from kit.graphql.completion import Completion, UnusualValue, compile_completion
from kit.graphql.metrics import UNUSUAL_VALUES


class Plan:
    """For an operation without directives, whose selected fields are therefore the same in each execution.

    `selections` are those of its document with fragments expanded. A document that is executed once is not worth compiling: `ready` is
    false until the second execution.
    """

    __slots__ = ("_completions", "_fields_left", "_seen", "root_fields", "sub_fields")

    def __init__(self, selections: int) -> None:
        self.root_fields: GroupedFieldSet | None = None
        # As in graphql-core's executor: by type and identity of the list, which is kept here so that its id stays its own.
        self.sub_fields: dict[tuple[GraphQLObjectType, int], tuple[list[FieldDetails], CollectedFields]] = {}
        self._completions: dict[tuple[int, int], Completion | None] = {}
        # Bounds the memory. A field may be compiled twice: in a list's completion, and in that of its items if one of them is unusual.
        self._fields_left = 2 * selections
        self._seen = False

    def ready(self) -> bool:
        """Whether this execution may use the plan."""
        seen, self._seen = self._seen, True
        return seen

    def completion(
        self, executor: "PlannedExecutor", kind: GraphQLOutputType, details: list[FieldDetails]
    ) -> Completion | None:
        """The function that completes values of this field, compiled when it is first needed; None: graphql-core must."""
        key = (id(kind), id(details))
        try:
            return self._completions[key]
        except KeyError:
            completion, fields = compile_completion(
                kind, details, executor.selected_fields, self._fields_left
            )
            self._fields_left -= fields
            self._completions[key] = completion
            return completion


class PlannedExecutor(ExecutorThrowingOnIncremental):
    """graphql-core's executor, with the values of whole selections completed by the plan's functions."""

    def __init__(self, *args: Any, plan: Plan, **options: Any) -> None:
        super().__init__(*args, **options)
        self._plan = plan
        self._relevant_sub_fields = plan.sub_fields

    def selected_fields(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> GroupedFieldSet:
        """The fields of an object by response name."""
        return self.collect_subfields(kind, details).grouped_field_set

    def execute_collected_root_fields(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        new_defer_usages: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """With the lists of the plan, whose identities its functions are found by."""
        if self._plan.root_fields is None:
            self._plan.root_fields = grouped_field_set
        return super().execute_collected_root_fields(
            root_type, root_value, self._plan.root_fields, serially, new_defer_usages
        )

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: None,
    ) -> AwaitableOrValue[Any]:
        """By the plan's function, if the selection is compiled and the value is as the schema says."""
        nullable = cast("GraphQLOutputType", get_nullable_type(return_type))
        completion = self._plan.completion(self, nullable, field_details_list)
        if completion is not None:
            try:
                value = completion(result)
                if value is None and nullable is not return_type:
                    raise UnusualValue
            except Exception:
                # Whatever failed: graphql-core repeats it, and locates the error.
                UNUSUAL_VALUES.inc()
            else:
                return value
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
