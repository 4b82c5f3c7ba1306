#!/usr/bin/env bash
# Builds stripe-mock (Stripe's own), actionlint and kustomize into bin/, from the modules that go.sum names (go checks each against it), with
# the toolchain of go.lock, which is in site/.
set -euo pipefail
cd "$(dirname "$0")"
GOROOT=$PWD/site/go
chmod -R u+x "$GOROOT/bin" "$GOROOT/pkg/tool"
export GOROOT GOTOOLCHAIN=local CGO_ENABLED=0 GOPATH=$PWD/modules GOCACHE=$PWD/cache GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false"
echo "  compiling"
"$GOROOT/bin/go" build -o bin/ github.com/rhysd/actionlint/cmd/actionlint github.com/stripe/stripe-mock sigs.k8s.io/kustomize/kustomize/v5
rm -rf site modules cache
