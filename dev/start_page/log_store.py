"""The log store (VictoriaLogs) over HTTP: records in, queries in LogsQL."""

import http.client
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

_SECONDS = 10.0
# Every record has these; a stream per service keeps its records together on disk.
_INSERT = "/insert/jsonline?" + urlencode(
    {"_stream_fields": "service", "_msg_field": "event", "_time_field": "time"}
)

Record = dict[str, Any]


class LogStoreError(Exception):
    """The log store does not respond, or rejects a query; the message is shown to the developer."""


class LogStore:
    """The store on a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.port = port

    def insert(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Stores records: `time` (RFC 3339; without it, now), `service`, `event`, and any further fields."""
        body = "".join(f"{json.dumps(record)}\n" for record in records).encode()
        if body:
            self._post(_INSERT, body, "application/stream+json")

    def query(self, expression: str, *, limit: int) -> list[Record]:
        """The records that match an expression, at most `limit`; every value is text, the event's name is `_msg`."""
        body = urlencode({"query": expression, "limit": limit}).encode()
        text = self._post("/select/logsql/query", body, "application/x-www-form-urlencoded")
        return [json.loads(line) for line in text.splitlines()]

    def _post(self, path: str, body: bytes, media_type: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        try:
            connection.request("POST", path, body, {"Content-Type": media_type})
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise LogStoreError(f"the log store at 127.0.0.1:{self.port} does not respond") from error
        finally:
            connection.close()
        if response.status != 200:
            raise LogStoreError(f"the log store rejected the request: {text.strip()[:500]}")
        return text


def any_of(field: str, values: Sequence[str]) -> str:
    """The expression that matches records whose field is one of the values."""
    return f"{field}:in({','.join(json.dumps(value) for value in values)})"
