"""What packages contain of others: wheels what is compiled into them, the playground its npm packages."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Component:
    """A library inside of something else; the version is "" where nothing says it."""

    name: str
    version: str
    license: str
    purl: str


def compiled_in(dist_info: Path, licenses: dict[str, str]) -> list[Component]:
    """The libraries in a wheel's extension modules.

    They are those of the bills that it brings (PEP 770), and those in `licenses`, by name, of which no bill says the version. `licenses`
    also has licenses that a bill does not state.
    """
    components = {}
    for bill in sorted((dist_info / "sboms").glob("*.json")):
        for item in json.loads(bill.read_text()).get("components", []):
            component = _cyclonedx(item, licenses)
            components[component.name, component.version] = component
    names = {name for name, _ in components}
    for name in sorted(licenses.keys() - names):
        components[name, ""] = Component(name, "", licenses[name], f"pkg:generic/{quote(name)}")
    return list(components.values())


def _cyclonedx(item: dict[str, Any], licenses: dict[str, str]) -> Component:
    name, version = item["name"], item.get("version", "")
    stated = [
        entry.get("expression") or entry["license"].get("id", "") for entry in item.get("licenses") or []
    ]
    # Old manifests of Rust write a slash.
    license_id = " AND ".join(text.replace("/", " OR ") for text in stated if text) or licenses.get(name, "")
    return Component(name, version, license_id, item.get("purl") or f"pkg:generic/{quote(name)}@{version}")


def npm_packages(lock: Path, roots: Iterable[str]) -> list[Component]:
    """The packages in a package-lock.json that these depend on, and these: all that a bundle of them can contain."""
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text())["packages"]
    waiting = [("", name) for name in roots]
    paths: set[str] = set()
    while waiting:
        parent, name = waiting.pop()
        path = next((path for path in _places(parent, name) if path in packages), "")
        if not path and not parent:
            raise KeyError(f"{name} is not in {lock}")
        if path and path not in paths:
            paths.add(path)
            entry = packages[path]
            needs = {**entry.get("dependencies", {}), **entry.get("peerDependencies", {})}
            waiting += [(path, need) for need in needs]
    return sorted({_npm(path, packages[path]) for path in paths}, key=lambda item: (item.name, item.version))


def _places(parent: str, name: str) -> Iterator[str]:
    """Where Node looks for a package that another one imports, nearest first."""
    while parent:
        yield f"{parent}/node_modules/{name}"
        parent = parent.rpartition("/node_modules/")[0]
    yield f"node_modules/{name}"


def _npm(path: str, entry: dict[str, Any]) -> Component:
    name, version = path.rpartition("node_modules/")[2], str(entry["version"])
    return Component(
        name, version, str(entry.get("license", "")), f"pkg:npm/{quote(name, safe='/')}@{version}"
    )
