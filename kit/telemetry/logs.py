"""JSON lines on standard output, via the standard library's logging."""

import logging
import sys
import time
import traceback
from typing import Any, TextIO

import orjson

from kit.telemetry.context import correlation_id
from kit.telemetry.spans import current_trace

# Libraries that log too much at INFO.
_NOISY_LOGGERS = (
    "kafka",
    "elastic_transport",
    "elasticsearch",
    "httpx",
    "httpcore",
    "urllib3",
    "stripe",
    "aiosmtplib",
    "asyncio",
)


def _is_not_slow_task(record: logging.LogRecord) -> bool:
    # kafka-python warns when a step of its own event loop takes over 0.1 s, which is normal on a busy machine. That loop has its own
    # thread; a slow broker shows in the outbox age and the consumer lag.
    return "s threshold). It is blocking the event loop" not in record.getMessage()


def _is_not_cancelled_refresh(record: logging.LogRecord) -> bool:
    # kafka-python repeats a refresh whose connection `kit.events.polling` replaced.
    return record.getMessage() != "Metadata refresh: failed Cancelled"


class Log:
    """Logs events: a name like `order.placed` and fields, never a sentence with values in it."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: Any) -> None:
        """Details for debugging."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """A normal event that operators want to see."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """An external problem, or one that was handled."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """A problem that an operator should investigate."""
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """An error, with the stack trace of the current exception."""
        self._write(logging.ERROR, event, fields, exc_info=True)

    def _write(self, level: int, event: str, fields: dict[str, Any], exc_info: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"fields": fields}, exc_info=exc_info)


def get_logger(name: str) -> Log:
    """The logger of a module: `get_logger(__name__)`."""
    return Log(logging.getLogger(name))


class JsonFormatter(logging.Formatter):
    """Formats one line of JSON; an event's fields never replace the standard ones."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The JSON line."""
        line: dict[str, Any] = {
            "time": _instant(record.created),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if correlation := correlation_id.get():
            line["correlation_id"] = correlation
        if trace := current_trace():
            line["trace_id"] = f"{trace.trace_id:032x}"
            line["span_id"] = f"{trace.span_id:016x}"
        for name, value in getattr(record, "fields", {}).items():
            line.setdefault(name, value)
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error_type"] = type(error).__name__
            line["stack"] = "".join(traceback.format_exception(error))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure_logging(service: str, level: str, stream: TextIO | None = None) -> None:
    """Writes all loggers' lines to one stream as JSON."""
    # Looking up the source line costs more than the rest of the call, and the event's name is more useful.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("kafka.net.selector").addFilter(_is_not_slow_task)
    logging.getLogger("kafka.cluster").addFilter(_is_not_cancelled_refresh)


def _instant(seconds: float) -> str:
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1000):03d}Z"
