"""The correlation id: made or taken over at the first edge, carried through gRPC metadata and Kafka headers,
in every log line.
"""

import re
from contextvars import ContextVar
from uuid import uuid4

# Empty outside of any request or event.
correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_ACCEPTED = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def new_correlation_id(given: str | None = None) -> str:
    """The id that a client gave when it is short and plain, else a fresh one."""
    if given and _ACCEPTED.fullmatch(given):
        return given
    return uuid4().hex
