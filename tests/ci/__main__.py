"""Runs the `run:` lines of a workflow's job in a new root of Debian: make ci-test ARGS="ci/lint".

A tool that the job does not install is missing there. Actions of others are not run: a clone stands for actions/checkout, and what the
rest would do is printed. Needs root and the package debootstrap.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.ci.clean_root import CleanRoot
from tests.ci.workflows import Job, jobs

# The release of each image that a job may name.
_RELEASES = {"debian:12": "bookworm"}


def main() -> int:
    """Returns the status of the first step that failed, or 0."""
    checkout = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    parser = argparse.ArgumentParser(description="Runs a job's steps in a new root of Debian.")
    parser.add_argument("job", nargs="*", default=["ci/lint"], help="<workflow>/<job>, such as ci/lint")
    parser.add_argument("--folder", type=Path, default=checkout / ".souk" / "ci", help="for the root")
    parser.add_argument(
        "--instead",
        action="append",
        default=[],
        metavar="STEP=COMMAND",
        help="runs a shorter command for a step",
    )
    parser.add_argument("--keep", action="store_true", help="keeps the root, to look at it")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("a root of Debian is made by root only")
    instead = dict(pair.split("=", 1) for pair in arguments.instead)
    known = jobs(checkout / ".github" / "workflows")
    for name in arguments.job:
        if name not in known:
            parser.error(f"there is no job {name}; jobs: {', '.join(known)}")
        if status := _run(known[name], checkout, arguments.folder.resolve(), instead, keep=arguments.keep):
            return status
    return 0


def _run(job: Job, checkout: Path, folder: Path, instead: dict[str, str], *, keep: bool) -> int:
    release = _RELEASES.get(job.container.partition("@")[0])
    if release is None:
        print(f"{job.workflow}/{job.name} runs in {job.container or 'no container'}, which is not made here")
        return 2
    root = CleanRoot(folder, release)
    root.create()
    try:
        for step in job.steps:
            if step.uses.startswith("actions/checkout@"):
                root.check_out(checkout)
            elif step.uses:
                print(f"== not run: {step.uses}", flush=True)
            else:
                script = instead.get(step.run, step.run)
                print(f"== {script}", flush=True)
                start = time.monotonic()
                status = root.run(script, step.env)
                print(f"== status {status} after {time.monotonic() - start:.0f} s", flush=True)
                if status:
                    return status
    finally:
        if not keep:
            root.delete()
    return 0


if __name__ == "__main__":
    sys.exit(main())
