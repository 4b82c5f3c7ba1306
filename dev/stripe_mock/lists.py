"""Stripe's lists, of which most are not paginated here."""

from collections.abc import Mapping
from typing import Any


def whole_list(path: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """All objects."""
    return {"object": "list", "url": path, "has_more": False, "data": objects}


def page_of(path: str, objects: list[dict[str, Any]], query: Mapping[str, Any]) -> dict[str, Any]:
    """Newest first: those that were created since `created[gte]`, after the object `starting_after`."""
    since = int(query.get("created", {}).get("gte", 0))
    ids = [listed["id"] for listed in objects]
    start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
    listed, limit = (
        [item for item in objects[start:] if item["created"] >= since],
        int(query.get("limit", 10)),
    )
    return {**whole_list(path, listed[:limit]), "has_more": len(listed) > limit}
