"""Everything that the log store has about one id: of a correlation, a trace, an order, or anything else that lines name.

A leased item of work starts a trace of its own, so a request and the charge and the mails that follow from it are several traces. They are
connected by the correlation id, which events carry, and by the order id, which lines and the spans of workers have.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from dev.start_page.log_store import LogStore, Record, any_of

_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{3,128}")
_MAX_RECORDS = 3000
_MAX_IDS = 50
# From the id to its order, to the traces of that order's work, to all spans of these.
_ROUNDS = 3


class InvalidId(ValueError):
    """The text cannot be an id; the message is shown to the developer."""


def find(store: LogStore, text: str) -> dict[str, Any]:
    """The lines and spans, oldest first, and the expression that finds them in the log store's own page.

    Raises InvalidId and LogStoreError.
    """
    if not _ID.fullmatch(text):
        raise InvalidId("an id has 3 to 128 letters, digits and . _ : / + = @ -")
    expression = f"*:={json.dumps(text)}"
    records = store.query(expression, limit=_MAX_RECORDS)
    for _ in range(_ROUNDS):
        wider = _wider(text, records)
        if wider in ("", expression):
            break
        expression = wider
        records = store.query(expression, limit=_MAX_RECORDS)
    records.sort(key=lambda record: str(record["_time"]))
    return {
        "id": text,
        "spans": [record for record in records if "span" in record],
        "lines": [record for record in records if "span" not in record],
        "truncated": len(records) == _MAX_RECORDS,
        "logs": f"http://127.0.0.1:{store.port}/select/vmui/#/?query={quote(expression)}&g0.relative_time=last_7_days",
    }


def _wider(text: str, records: Iterable[Record]) -> str:
    """The expression for all traces and orders of the records, and for the id itself."""
    ids = {
        field: sorted({str(record[field]) for record in records if record.get(field)})[:_MAX_IDS]
        for field in ("trace_id", "order_id")
    }
    if not any(ids.values()):
        return ""
    return " or ".join(
        [f"*:={json.dumps(text)}", *(any_of(field, values) for field, values in ids.items() if values)]
    )
