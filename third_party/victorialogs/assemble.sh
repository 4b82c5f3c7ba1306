#!/usr/bin/env bash
# Builds VictoriaLogs, the log store of the local stack, from the modules that go.sum names, with the toolchain of go.lock, which is in
# site/: without C code, for any machine.
set -euo pipefail
cd "$(dirname "$0")"
GOROOT=$PWD/site/go
chmod -R u+x "$GOROOT/bin" "$GOROOT/pkg/tool"
export GOROOT GOTOOLCHAIN=local CGO_ENABLED=0 GOPATH=$PWD/modules GOCACHE=$PWD/cache GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false"
echo "  compiling"
"$GOROOT/bin/go" build -ldflags="-s -w" -o bin/ github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs
rm -rf site modules cache
