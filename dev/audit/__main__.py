"""Compares every lock of third_party with published advisories: make audit.

Exits with 1 after a finding; else with 2 if a lock that has advisories somewhere was not compared; else with 0.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.audit import debian, locks
from dev.audit.locks import Finding, NotComparedError
from dev.audit.osv import Osv


def main(arguments: Sequence[str]) -> int:
    """Prints a paragraph for each lock, and the result; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make audit")
    parser.add_argument(
        "--osv", default="https://api.osv.dev", metavar="URL", help="OSV's API, or a copy of it"
    )
    parser.add_argument("--folder", type=Path, default=Path("third_party"), help="of the locks")
    options = parser.parse_args(arguments)
    faults = compared = not_compared = 0
    all_locks = locks.find(options.folder)
    accepted = locks.accepted(options.folder)
    for lock in all_locks:
        try:
            entries = locks.read(lock)
        except NotComparedError as error:
            print(f"{lock}: not compared: {error}")
            continue
        try:
            source, findings = _compare(entries, Osv(options.osv))
        except NotComparedError as error:
            print(f"{lock}: {len(entries)} entries, not compared: {error}", flush=True)
            not_compared += 1
        else:
            count = sum(accepted.keys().isdisjoint(finding.ids) for finding in findings)
            print(f"{lock}: {len(entries)} entries compared with {source}: {count} findings", flush=True)
            print("".join(_line(finding, accepted) for finding in findings), end="")
            compared += 1
            faults += count
    print(_result(faults, compared, len(all_locks)))
    return 1 if faults else 2 if not_compared or not compared else 0


def _compare(entries: Sequence[locks.Entry], osv: Osv) -> tuple[str, list[Finding]]:
    """By which source, and the result."""
    if entries[0].ecosystem == "Debian":
        return debian.SOURCE, debian.findings(entries)
    return str(osv), osv.findings(entries)


def _line(finding: Finding, accepted: Mapping[str, str]) -> str:
    reasons = [accepted[id_] for id_ in finding.ids if id_ in accepted]
    if reasons:
        return f"  accepted: {', '.join(finding.ids)}: {reasons[0]}\n"
    fixed = f"fixed in {' or '.join(finding.fixed)}" if finding.fixed else "no version fixes it"
    summary = f": {finding.summary}" if finding.summary else ""
    return f"  {finding.entry.name} {finding.entry.version}: {', '.join(finding.ids)}, {fixed}{summary}\n"


def _result(faults: int, compared: int, total: int) -> str:
    if not compared:
        return f"None of {total} locks was compared: nothing is known of their vulnerabilities."
    others = f"; {total - compared} were not compared" if compared < total else ""
    return f"{faults} findings in {compared} of {total} locks{others}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
