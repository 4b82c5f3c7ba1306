#!/usr/bin/env bash
# Locks anew: Python by uv, npm by npm. Jars are pinned by version and hash in third_party/{kafka,elasticsearch}.
set -euo pipefail
cd "$(dirname "$0")/.."
dev/tool.sh uv pip compile --upgrade --generate-hashes --no-strip-extras --python-version 3.11 --no-header --only-binary :all: \
  third_party/python/requirements.in -o third_party/python/requirements.lock
(cd third_party/npm && npm update --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error)
