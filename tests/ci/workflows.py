"""The jobs of .github/workflows, and the steps of a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Step:
    """`run` is empty for an action of others (`uses`)."""

    run: str
    uses: str
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """`container` is empty for a job that runs on the runner itself."""

    workflow: str
    name: str
    container: str
    steps: tuple[Step, ...]
    events: frozenset[str]


def jobs(folder: Path) -> dict[str, Job]:
    """Every job, by `<workflow>/<job>`."""
    result: dict[str, Job] = {}
    for path in sorted(folder.glob("*.yml")):
        workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
        # YAML 1.1 reads the key `on` as True.
        events = frozenset(workflow[True])
        for name, content in workflow["jobs"].items():
            image = content.get("container", {}).get("image", "")
            steps = tuple(_step(step) for step in content["steps"])
            result[f"{path.stem}/{name}"] = Job(path.stem, name, image, steps, events)
    return result


def _step(step: Mapping[str, Any]) -> Step:
    return Step(step.get("run", ""), step.get("uses", ""), step.get("env", {}))
