#!/usr/bin/env bash
# Runs a program of the lock (ruff, buf, uv) in the checkout: dev/tool.sh ruff format .
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift
bazel build --ui_event_filters=-info --noshow_progress @pypi//"${name/buf/buf_bin}" > /dev/null
exec "$(bazel info output_base 2> /dev/null)/external/pypi/site-packages/bin/$name" "$@"
