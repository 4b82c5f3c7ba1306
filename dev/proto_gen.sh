#!/usr/bin/env bash
# Writes the generated Python and stubs of the contracts to .souk/stubs; add it to your editor's search path.
set -euo pipefail
cd "$(dirname "$0")/.."
bazel build --ui_event_filters=-info --noshow_progress //proto/...
rm -rf .souk/stubs
mkdir -p .souk/stubs
stubs=$PWD/.souk/stubs
(cd proto && find souk -name service_config.json -exec cp --parents {} "$stubs" \;)
cd "$(bazel info bazel-bin 2> /dev/null)/proto"
find souk -name '*_pb2.py*' -exec cp -L --parents {} "$stubs" \;
echo "written to .souk/stubs"
