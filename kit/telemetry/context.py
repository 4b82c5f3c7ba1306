"""The correlation id: accepted or generated at the first edge, carried in gRPC metadata and Kafka headers, in every log line."""

import os
import re
from contextvars import ContextVar

# Empty outside a request or an event.
correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_VALID_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def new_correlation_id(proposed: str | None = None) -> str:
    """The client's id if it is valid, otherwise a new one."""
    if proposed and _VALID_ID.fullmatch(proposed):
        return proposed
    return os.urandom(16).hex()
