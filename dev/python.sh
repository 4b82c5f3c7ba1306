#!/usr/bin/env bash
# Runs the interpreter that everything is built and tested with: that of BAZEL_PYTHON, or the locked one. dev/python.sh -m dev.audit
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -n "${BAZEL_PYTHON:-}" ]; then
  python=$BAZEL_PYTHON
else
  bazel build --ui_event_filters=-info --noshow_progress --show_result=0 @debian//:python
  python=$(bazel info output_base 2> /dev/null)/external/debian/system/usr/bin/python3.11
fi
exec "$python" -S "$@"
