#!/usr/bin/env bash
# One coverage report for the whole repository: all tests but e2e in one pytest process, with the locked packages.
set -euo pipefail
cd "$(dirname "$0")/.."
dev/proto_gen.sh
bazel build --ui_event_filters=-info --noshow_progress @pypi//:all @kafka//:server @elasticsearch//:server > /dev/null
base=$(bazel info output_base 2> /dev/null)/external
export PYTHONPATH=$PWD:$PWD/.souk/stubs:$base/pypi/site-packages
export SOUK_KAFKA_HOME=$base/kafka/home SOUK_ELASTICSEARCH_HOME=$base/elasticsearch/home
packages=(account catalog dev gateway kit notification order payment)
exec dev/python.sh -m pytest -q -p no:cacheprovider --import-mode=importlib \
  "${packages[@]/#/--cov=}" --cov-report=term:skip-covered --cov-report=html:.souk/coverage/html "${packages[@]}"
