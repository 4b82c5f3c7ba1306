#!/usr/bin/env bash
# Updates the locks: Debian's packages by apt, Python by uv, npm by npm. Jars are pinned by version and hash in third_party/{kafka,elasticsearch}.
set -euo pipefail
cd "$(dirname "$0")/.."
# By the machine's interpreter: the locked one cannot be fetched if its packages have left the archive.
"${BAZEL_PYTHON:-python3.11}" dev/debian_lock.py
for packages in third_party/python third_party/clients third_party/mkdocs; do
  dev/tool.sh uv pip compile --upgrade --generate-hashes --no-strip-extras --python-version 3.11 --no-header --only-binary :all: \
    "$packages/requirements.in" -o "$packages/requirements.lock"
done
(cd third_party/npm && npm update --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error)
