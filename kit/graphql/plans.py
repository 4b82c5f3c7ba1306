"""What the executions of one operation share: the fields that it selects, and functions that coerce its variables and complete its values.

graphql-core stays the definition of execution: it coerces arguments, calls the resolvers, and does what is not compiled.
"""

from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    default_field_resolver,
    default_type_resolver,
    get_nullable_type,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetails, GroupedFieldSet
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.pyutils import AwaitableOrValue, Path
from kit.graphql.coercion import Coercions, UnusualInput, Variables
from kit.graphql.completion import Completion, UnusualValue, compile_completion
from kit.graphql.metrics import UNUSUAL_VALUES


class Plan:
    """For an operation without directives, whose selected fields are therefore the same in each execution.

    `selections` are those of its document with fragments expanded. A document that is executed once is not worth compiling: `ready` is
    false until the second execution.
    """

    __slots__ = (
        "_coercions",
        "_completions",
        "_fields_left",
        "_prepared",
        "_seen",
        "root_fields",
        "sub_fields",
    )

    def __init__(self, selections: int, coercions: Coercions) -> None:
        self.root_fields: GroupedFieldSet | None = None
        self._coercions = coercions
        self._prepared: _Prepared | None = None
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

    async def execute(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        name: str | None,
        context: Any,
        variables: dict[str, Any],
        *,
        hide_suggestions: bool,
    ) -> ExecutionResult:
        """Executes the operation; its document and name are the same each time."""
        options: dict[str, Any] = {"hide_suggestions": hide_suggestions, "plan": self}
        executor = self._executor(schema, context, variables, options)
        if executor is None:
            built = PlannedExecutor.build(schema, document, None, context, variables, name, **options)
            if isinstance(built, list):
                return ExecutionResult(None, built)
            executor = cast("PlannedExecutor", built)
            if self._prepared is None:
                self._prepared = _Prepared(executor, self._coercions)
        return await executor.run()

    def _executor(
        self, schema: GraphQLSchema, context: Any, variables: dict[str, Any], options: dict[str, Any]
    ) -> "PlannedExecutor | None":
        """What `build` gives, without looking through the document again; None if graphql-core has to coerce the variables."""
        if self._prepared is None:
            return None
        try:
            values = self._prepared.variables.coerce(variables)
        except UnusualInput:
            return None
        return PlannedExecutor(
            schema,
            self._prepared.fragment_definitions,
            self._prepared.fragments,
            None,
            context,
            self._prepared.operation,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            **options,
        )

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


class _Prepared:
    """What `build` found in the document for the first execution."""

    __slots__ = ("fragment_definitions", "fragments", "operation", "variables")

    def __init__(self, executor: "PlannedExecutor", coercions: Coercions) -> None:
        self.fragment_definitions = executor.fragment_definitions
        self.fragments = executor.fragments
        self.operation = executor.operation
        definitions = executor.operation.variable_definitions or ()
        self.variables = Variables(executor.schema, definitions, coercions)


class PlannedExecutor(ExecutorThrowingOnIncremental):
    """graphql-core's executor, with the values of whole selections completed by the plan's functions."""

    def __init__(self, *args: Any, plan: Plan, **options: Any) -> None:
        super().__init__(*args, **options)
        self._plan = plan
        self._relevant_sub_fields = plan.sub_fields

    async def run(self) -> ExecutionResult:
        """What `execute_operation` does, with the root fields that the first execution collected."""
        root_fields = self._plan.root_fields
        if root_fields is None:
            result = self.execute_operation()
            return cast("ExecutionResult", await result if self.is_awaitable(result) else result)
        kind = self.operation.operation
        root_type = cast("GraphQLObjectType", self.schema.get_root_type(kind))
        data: Any = None
        try:
            serially = kind is OperationType.MUTATION
            data = self.execute_root_grouped_field_set(root_type, None, root_fields, serially, None)
            if self.is_awaitable(data):
                data = await data
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            data = None
        return cast("ExecutionResult", self.build_response(data))

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
