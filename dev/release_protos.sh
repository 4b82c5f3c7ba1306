#!/usr/bin/env bash
# Records the current contracts in proto/released.binpb. For releases only: later changes must not break these.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bazel build --ui_event_filters=-info --noshow_progress @pypi//googleapis_common_protos > /dev/null
cp -r proto/souk proto/buf.yaml "$folder"
mkdir "$folder/google"
cp -r "$(bazel info output_base 2> /dev/null)/external/pypi/site-packages/google/type" "$folder/google"
dev/tool.sh buf build "$folder" --path "$folder/souk" --exclude-source-info -o "$PWD/proto/released.binpb"
