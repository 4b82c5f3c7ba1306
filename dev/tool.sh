#!/usr/bin/env bash
# Runs a program of the locks (ruff, buf, uv, kustomize) in the checkout: dev/tool.sh ruff format .
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift
case $name in
  actionlint | kustomize) target=@go//:$name program=go/bin/$name ;;
  *) target=@pypi//${name/buf/buf_bin} program=pypi/site-packages/bin/$name ;;
esac
bazel build --ui_event_filters=-info --noshow_progress "$target" > /dev/null
exec "$(bazel info output_base 2> /dev/null)/external/$program" "$@"
