"""An Elasticsearch 8 index behind an alias."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from elastic_transport import ConnectionError as ConnectFailed
from elastic_transport import ConnectionTimeout
from elastic_transport.client_utils import DEFAULT
from elasticsearch import ApiError, AsyncElasticsearch, BadRequestError

from kit.errors import FailedPrecondition, Unavailable
from kit.telemetry import client_span, get_logger
from kit.values import remaining

log = get_logger(__name__)

_TIMEOUT_SECONDS = 5.0
# For creating, filling and refreshing an index: analysis of 500 long descriptions takes seconds on a busy node, and so does the
# first refresh of 100,000 documents.
_WRITE_TIMEOUT_SECONDS = 30.0
_OVERLOADED = (429, 502, 503, 504)


class SearchUnavailable(Unavailable):
    """Elasticsearch does not respond, or has no index yet."""

    reason = "SEARCH_UNAVAILABLE"
    default_message = "search is temporarily unavailable"


class PluginsMissing(FailedPrecondition):
    """Elasticsearch lacks a plugin that the index definition needs; the message names the plugin and the nodes."""

    reason = "SEARCH_PLUGINS_MISSING"


@dataclass(frozen=True, slots=True)
class Document:
    """A document with the version of its row; an older version never replaces a newer one. `body` None deletes it."""

    id: str
    version: int
    body: Mapping[str, Any] | None


class SearchIndex:
    """A resource: one alias, e.g. `catalog-products`, that points to a numbered index, e.g. `catalog-products-000001`.

    With TLS the URL may contain the trusted authorities: `https://user:password@host:9200?ca=FILE`. Every method except `open` raises
    SearchUnavailable when Elasticsearch is unavailable. `plugins` are those that the definition needs: `open` raises PluginsMissing when a
    node lacks one, and no index is created without them.
    """

    name = "elasticsearch"

    def __init__(
        self, url: str, alias: str, definition: Mapping[str, Any], *, plugins: Sequence[str] = ()
    ) -> None:
        where, _, query = url.partition("?")
        authority = parse_qs(query).get("ca", [None])[0]
        self._client = AsyncElasticsearch(
            where,
            ca_certs=authority or DEFAULT,
            request_timeout=_TIMEOUT_SECONDS,
            max_retries=0,
            retry_on_timeout=False,
        )
        self.alias = alias
        self._definition = definition
        self._plugins = plugins
        self._exists = False

    async def open(self) -> None:
        """Checks the plugins if Elasticsearch responds; raises PluginsMissing. The index is created when first needed."""
        try:
            await self._check_plugins()
        except SearchUnavailable:
            log.warning(
                "search.unavailable", reason="Elasticsearch does not respond; its plugins are checked later"
            )

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def ping(self) -> None:
        """Raises SearchUnavailable unless Elasticsearch responds."""
        await self._call("cluster.health", self._client.cluster.health())

    async def ensure_index(self) -> None:
        """Creates the first index and its alias. If the alias exists, fields that are new in the definition are added to its index."""
        if not self._exists:
            await (self._add_fields() if await self._has_alias() else self._create_first_index())
            self._exists = True

    async def _has_alias(self) -> bool:
        request = self._client.indices.exists_alias(name=self.alias)
        return bool(await self._call("indices.exists_alias", request))

    async def _create_first_index(self) -> None:
        try:
            await self.create_index(self._numbered(1), alias=True)
        except PluginsMissing as error:
            log.error("search.plugins_missing", error=error.message)
            raise SearchUnavailable() from error
        except BadRequestError as error:
            # Another replica created it first.
            if error.error != "resource_already_exists_exception":
                raise

    async def _add_fields(self) -> None:
        """Until a rebuild, documents in an index of an earlier release lack them."""
        defined: Mapping[str, Any] = self._definition.get("mappings", {}).get("properties", {})
        response = await self._call("indices.get", self._client.indices.get_mapping(index=self.alias))
        for index in response.values():
            present = index["mappings"].get("properties", {})
            new = {name: field for name, field in defined.items() if name not in present}
            if new:
                put = self._client.indices.put_mapping(index=self.alias, properties=new)
                await self._call("indices.put_mapping", put)

    async def create_index(self, index: str, *, alias: bool = False) -> None:
        """Creates an index from the definition, optionally with the alias. Raises PluginsMissing."""
        await self._check_plugins()
        body: dict[str, Any] = {**self._definition, **({"aliases": {self.alias: {}}} if alias else {})}
        client = self._client.options(request_timeout=_WRITE_TIMEOUT_SECONDS)
        await self._call("indices.create", client.indices.create(index=index, **body))

    async def write(self, documents: Sequence[Document], *, index: str | None = None) -> None:
        """Writes and deletes documents in one request; versions older than the stored ones are ignored."""
        if not documents:
            return
        if index is None:
            await self.ensure_index()
        operations: list[Mapping[str, Any]] = []
        for document in documents:
            action = "delete" if document.body is None else "index"
            operations.append(
                {action: {"_id": document.id, "version": document.version, "version_type": "external_gte"}}
            )
            if document.body is not None:
                operations.append(document.body)
        response = await self._call(
            "bulk",
            # Otherwise the first document would recreate a lost index without our definition.
            self._client.options(request_timeout=_WRITE_TIMEOUT_SECONDS).bulk(
                index=index or self.alias, operations=operations, require_alias=index is None
            ),
        )
        if response["errors"]:
            self._raise_failures(response["items"])

    async def read(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The bodies of existing documents, as they were written, including those not visible to searches yet."""
        if not ids:
            return {}
        await self.ensure_index()
        response = await self._call("mget", self._client.mget(index=self.alias, ids=list(ids)))
        return {
            document["_id"]: document["_source"] for document in response["docs"] if document.get("found")
        }

    async def refresh(self, *, index: str | None = None) -> None:
        """Makes written documents visible to searches."""
        client = self._client.options(request_timeout=_WRITE_TIMEOUT_SECONDS)
        await self._call("indices.refresh", client.indices.refresh(index=index or self.alias))

    async def create_next_index(self) -> str:
        """Creates the next index, without the alias, and returns its name; deletes indices of unfinished rebuilds.

        Only one process may do this at a time, and only it may write to the new index.
        """
        await self.ensure_index()
        await self.delete_unused_indices()
        name = self._numbered(max(await self._numbers()) + 1)
        await self.create_index(name)
        return name

    async def switch_alias(self, index: str) -> None:
        """Moves the alias to an index atomically, so that a search uses either the old or the new one; keeps the old index."""
        current = [
            self._numbered(number) for number, is_current in (await self._numbers()).items() if is_current
        ]
        actions = [
            {"add": {"index": index, "alias": self.alias}},
            *({"remove": {"index": name, "alias": self.alias}} for name in current if name != index),
        ]
        await self._call("indices.update_aliases", self._client.indices.update_aliases(actions=actions))

    async def delete_unused_indices(self) -> None:
        """Deletes indices without the alias. Searches in progress on them fail, so wait for those first."""
        for number, is_current in (await self._numbers()).items():
            if not is_current:
                await self._call("indices.delete", self._client.indices.delete(index=self._numbered(number)))

    async def _check_plugins(self) -> None:
        if not self._plugins:
            return
        response = await self._call("nodes.info", self._client.nodes.info(metric="plugins"))
        missing_by_node = {
            node["name"]: missing
            for node in response["nodes"].values()
            if (missing := set(self._plugins) - _installed(node))
        }
        if missing_by_node:
            nodes, plugins = (
                ", ".join(sorted(missing_by_node)),
                ", ".join(sorted(set().union(*missing_by_node.values()))),
            )
            fix = f"install it on every node with `elasticsearch-plugin install {plugins}` and restart it"
            raise PluginsMissing(f"Elasticsearch lacks the plugin {plugins} on {nodes}: {fix}")

    def _numbered(self, number: int) -> str:
        return f"{self.alias}-{number:06}"

    async def _numbers(self) -> dict[int, bool]:
        """The numbers of the indices, and whether each has the alias."""
        indices = await self._call(
            "indices.get", self._client.indices.get(index=f"{self.alias}-*", expand_wildcards="open")
        )
        names = {name: self.alias in index["aliases"] for name, index in indices.items()}
        digits = {name.removeprefix(f"{self.alias}-"): on for name, on in names.items()}
        return {int(number): on for number, on in digits.items() if number.isdecimal()}

    async def search(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Elasticsearch's response to a search."""
        response = await self._call("search", self._client.search(index=self.alias, **body))
        result: Mapping[str, Any] = response.body
        return result

    async def _call(self, command: str, request: Any) -> Any:
        left = remaining()
        if left is not None and left <= 0:
            request.close()
            raise SearchUnavailable()
        try:
            with client_span("elasticsearch", command):
                return await request
        except (ConnectFailed, ConnectionTimeout) as error:
            self._exists = False
            raise SearchUnavailable() from error
        except ApiError as error:
            if error.status_code in _OVERLOADED or error.error == "index_not_found_exception":
                self._exists = False
                raise SearchUnavailable() from error
            raise

    def _raise_failures(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Ignores version conflicts (an old event) and missing documents (a repeated deletion)."""
        for item in items:
            (result,) = item.values()
            status, error = result["status"], result.get("error", {}).get("type")
            if error == "index_not_found_exception":
                self._exists = False
            if status in _OVERLOADED or error == "index_not_found_exception":
                raise SearchUnavailable()
            if status >= 400 and status not in (404, 409):
                raise ValueError(f"document {result['_id']} was rejected: {error}")


def _installed(node: Mapping[str, Any]) -> set[str]:
    return {plugin["name"] for kind in ("plugins", "modules") for plugin in node.get(kind, ())}
