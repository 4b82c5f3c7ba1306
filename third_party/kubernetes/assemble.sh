#!/usr/bin/env bash
# Builds a Kubernetes node into bin/, from the modules that the go.sum files name, with the toolchain of go.lock, which is in site/. It takes
# half an hour on two cores.
# Debian's containerd and etcd, whose signatures apt checks, are unpacked into debian/ and not installed: installed, they would run.
set -euo pipefail
cd "$(dirname "$0")"
echo "  fetching containerd and etcd from Debian"
packages=(conntrack containerd etcd-server ipset libipset13 libnetfilter-conntrack3 libnfnetlink0)
mkdir -p debs debian
(cd debs && apt-get download -qq "${packages[@]}") || { echo "apt-get download failed: run apt-get update" >&2; exit 1; }
for package in debs/*.deb; do dpkg --extract "$package" debian; done

GOROOT=$PWD/site/go
chmod -R u+x "$GOROOT/bin" "$GOROOT/pkg/tool"
export GOROOT GOTOOLCHAIN=local CGO_ENABLED=0 GOMODCACHE=${SOUK_GOMODCACHE:-$PWD/modules} GOCACHE=${SOUK_GOCACHE:-$PWD/cache}
export GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false -p=2"

# build FOLDER PACKAGE...
build() {
  echo "  compiling $1"
  (cd "$1" && nice "$GOROOT/bin/go" build -ldflags "-s -w ${versions:-}" -o ../bin/ "${@:2}")
}

version=$(sed -n 's/^.*k8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' node/go.mod)
component=k8s.io/component-base/version
minor=${version#v1.}
versions="-X $component.gitVersion=$version -X $component.gitMajor=1 -X $component.gitMinor=${minor%%.*}"
build node k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubectl}
versions=
build coredns .
build router github.com/cloudnativelabs/kube-router/v2/cmd/kube-router
build pause .

echo "  fetching the definitions of operators' objects"
# definitions MODULE FILE...: copies files of a module
definitions() {
  local folder
  folder=$(cd crds && "$GOROOT/bin/go" mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  (cd "$folder" && cp "${@:2}" "$OLDPWD/definitions/")
}
mkdir -p definitions
definitions github.com/cert-manager/cert-manager deploy/crds/cert-manager.io_{certificates,issuers}.yaml
definitions github.com/cloudnative-pg/plugin-barman-cloud config/crd/bases/barmancloud.cnpg.io_objectstores.yaml
definitions github.com/elastic/cloud-on-k8s/v3 config/crds/v1/all-crds.yaml
definitions github.com/prometheus-operator/prometheus-operator \
  example/prometheus-operator-crd/monitoring.coreos.com_{prometheusrules,servicemonitors}.yaml
definitions sigs.k8s.io/gateway-api config/crd/standard/gateway.networking.k8s.io_{gateways,httproutes}.yaml
rm -rf site modules cache debs
