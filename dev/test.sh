#!/usr/bin/env bash
# Runs bazel test with these arguments, then prints the number of test cases that passed, failed and were skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
events=$(mktemp)
trap 'rm -f "$events"' EXIT
status=0
bazel test --build_event_json_file="$events" "$@" || status=$?
dev/python.sh dev/test_summary.py "$events" || status=1
exit "$status"
