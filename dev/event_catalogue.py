"""make events: writes docs/events.md, every fact that travels between services, from the contracts and from who listens.

Reads text only, so that it needs nothing built. tests/house fails while the page is out of date.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

_MESSAGE = re.compile(r"((?:^// [^\n]*\n)+)^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"((?:^  // [^\n]*\n)*)^  (?:optional |repeated )?([\w.]+) (\w+) = \d+;", re.MULTILINE)
# In consumers.py a contract goes by its service's name, or by `pb` when there is but one.
_HEARD = re.compile(r"\b(pb|account|audit|catalog|order|payment|notification)\.([A-Z]\w+)")
_IMPORT = re.compile(r"from souk\.(\w+)\.v1 import events_pb2(?: as (\w+))?")

# Whose contract is not one service's.
_PUBLISHERS = {"audit": "catalog, order and payment"}

_HEAD = """# Events

Every fact that travels between services: CloudEvents 1.0 over Kafka in binary mode, the body a message of the contracts in protobuf.
Made by `make events` from `proto/` and the services' `consumers.py`; a test fails while this page is out of date.

The topic is the package; the key is the id of what the fact is about, so facts about one thing stay in order. `ce_id` is the event's,
`ce_type` the message's full name, `ce_time` when it happened; `x-request-id` and `traceparent` go along. Consumers pass over types and
fields that they do not know. What a group cannot handle goes to `<topic>.dlq.<group>`: `python -m <service> dead-letters`. The gateway
hears all of `souk.order.v1` beside those named here, on every replica and without a group, to wake who watches an order. So does every
process hear `SessionEnded`, to refuse the session's tokens (docs/decisions/0016).
"""


def catalogue(root: Path) -> str:
    """The page."""
    heard = _heard(root)
    parts = [_HEAD]
    for path in sorted((root / "proto" / "souk").glob("*/v1/events.proto")):
        service = path.parent.parent.name
        publisher = _PUBLISHERS.get(service, service)
        parts.append(f"\n## souk.{service}.v1\n\nPublished by {publisher}.\n")
        parts.append("\n| type | when | holds | heard by |\n|---|---|---|---|\n")
        for comment, name, body in _MESSAGE.findall(path.read_text()):
            groups = ", ".join(sorted(heard[service, name])) or "nobody yet"
            parts.append(f"| `{name}` | {_text(comment)} | {'<br>'.join(_fields(body))} | {groups} |\n")
    return "".join(parts)


def _heard(root: Path) -> Mapping[tuple[str, str], set[str]]:
    """Who listens to which message: services, by publisher and name."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in _consumers(root):
        text = path.read_text()
        names = {alias or "events_pb2": service for service, alias in _IMPORT.findall(text)}
        for alias, message in _HEARD.findall(text):
            if alias in names:
                found[names[alias], message].add(path.relative_to(root).parts[0])
    return found


def _consumers(root: Path) -> Iterator[Path]:
    """Every consumers.py of a service; Bazel's links are left out."""
    for folder in root.iterdir():
        if folder.is_dir() and not folder.is_symlink():
            yield from folder.rglob("consumers.py")


def _fields(body: str) -> Iterator[str]:
    for comment, kind, name in _FIELD.findall(body):
        yield f"`{name}` ({kind}): {_text(comment)}"


def _text(comment: str) -> str:
    lines = [line.strip().removeprefix("//").strip() for line in comment.splitlines()]
    return " ".join(lines).replace("|", "\\|")


if __name__ == "__main__":
    here = Path(sys.argv[1])
    (here / "docs" / "events.md").write_text(catalogue(here))
