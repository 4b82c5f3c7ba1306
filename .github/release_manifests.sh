#!/usr/bin/env bash
# Prints an overlay, by default production, with the images of a release by digest: release_manifests.sh IMAGES [OVERLAY]
# IMAGES has lines REGISTRY/souk/<name>:TAG@sha256:..., as `bazel run //:push` prints them; KUSTOMIZE is the program, by default Bazel's.
set -euo pipefail
images=$(realpath "$1")
root=$(realpath "$(dirname "$0")/..")
folder=$(mktemp -d -p "$root/k8s/overlays")
trap 'rm -rf "$folder"' EXIT
{
  printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../%s]\nimages:\n' "${2:-production}"
  grep -oE '[^ ]+/souk/[a-z-]+:[^ @]+@sha256:[0-9a-f]{64}' "$images" | sed -E 's#^(.*/souk/([a-z-]+)):[^@]*@(sha256:.*)$#  - {name: registry.example.com/souk/\2, newName: \1, digest: \3}#'
} > "$folder/kustomization.yaml"
if [ -n "${KUSTOMIZE:-}" ]; then kustomize=("$KUSTOMIZE"); else kustomize=("$root/dev/tool.sh" kustomize); fi
"${kustomize[@]}" build "$folder"
