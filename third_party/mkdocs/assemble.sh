#!/usr/bin/env bash
# Installs the locked packages (pip checks each against its hash) into site/.
set -euo pipefail
cd "$(dirname "$0")"
echo "  fetching packages"
"${BAZEL_PYTHON:-python3.11}" -m venv pip
pip/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --only-binary :all: --target site -r requirements.lock
rm -rf pip
