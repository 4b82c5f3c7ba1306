"""Advisories of OSV, which collects those of PyPI, npm, Go and others behind one API."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from dev.audit.locks import Entry, Finding, NotComparedError

_SECONDS = 30
# OSV rejects longer batches.
_BATCH = 1000


class Osv:
    """OSV's API at an address."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def __str__(self) -> str:
        return f"OSV at {self._address}"

    def findings(self, entries: Sequence[Entry]) -> list[Finding]:
        """Raises NotComparedError if not all entries could be compared."""
        ids_of_entries = self._ids(entries)
        advisories = {
            id_: self._ask(f"/v1/vulns/{id_}")
            for id_ in sorted({id_ for ids in ids_of_entries for id_ in ids})
        }
        try:
            return [
                finding
                for entry, ids in zip(entries, ids_of_entries, strict=True)
                for finding in _findings(entry, [advisories[id_] for id_ in ids])
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise self._not_osv(error) from None

    def _ids(self, entries: Sequence[Entry]) -> list[list[str]]:
        """The ids of the advisories about each entry."""
        result: list[list[str]] = [[] for _ in entries]
        pending = [(index, "") for index in range(len(entries))]
        while pending:
            batch, pending = pending[:_BATCH], pending[_BATCH:]
            answer = self._ask("/v1/querybatch", {"queries": [_query(entries[i], page) for i, page in batch]})
            try:
                for (index, _), answered in zip(batch, answer["results"], strict=True):
                    result[index] += [advisory["id"] for advisory in answered.get("vulns", ())]
                    if page := answered.get("next_page_token"):
                        pending.append((index, page))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise self._not_osv(error) from None
        return result

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._address + path, data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=_SECONDS) as response:
                return json.load(response)
        except HTTPError as error:
            raise NotComparedError(f"{self} answered {error.code} to {path}") from None
        except OSError as error:
            raise NotComparedError(f"{self} cannot be reached: {getattr(error, 'reason', error)}") from None
        except ValueError as error:
            raise self._not_osv(error) from None

    def _not_osv(self, error: Exception) -> NotComparedError:
        return NotComparedError(f"{self} gave an answer that is not OSV's: {error!r}")


def _query(entry: Entry, page: str) -> dict[str, object]:
    query: dict[str, object] = {
        "package": {"ecosystem": entry.ecosystem, "name": entry.name},
        "version": entry.version,
    }
    return query | ({"page_token": page} if page else {})


def _findings(entry: Entry, advisories: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """One for each fault: several databases have an advisory about the same one, and name each other's."""
    known: set[str] = set()
    for advisory in advisories:
        ids = (advisory["id"], *advisory.get("aliases", ()))
        if "withdrawn" not in advisory and not known & {*ids}:
            yield Finding(entry, ids, _fixed(entry, advisory), advisory.get("summary", ""))
        known |= {*ids}


def _fixed(entry: Entry, advisory: dict[str, Any]) -> tuple[str, ...]:
    fixed = (
        event["fixed"]
        for affected in advisory.get("affected", ())
        if affected["package"]["ecosystem"] == entry.ecosystem
        and affected["package"]["name"].lower() == entry.name.lower()
        for span in affected.get("ranges", ())
        # Others are of commits.
        if span["type"] in ("ECOSYSTEM", "SEMVER")
        for event in span["events"]
        if "fixed" in event
    )
    return tuple(dict.fromkeys(fixed))
