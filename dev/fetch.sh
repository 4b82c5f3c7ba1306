#!/usr/bin/env bash
# Fetches external repositories one at a time and prints the progress; prints nothing if all are up to date.
# dev/fetch.sh REPOSITORY...
set -euo pipefail
cd "$(dirname "$0")/.."

describe() {
  case $1 in
    pypi) echo "Python packages, about 830 MB with their bytecode" ;;
    python_runtime) echo "the Python interpreter for images" ;;
    kafka) echo "Kafka, about 45 MB" ;;
    elasticsearch) echo "Elasticsearch, about 45 MB" ;;
    npm) echo "the playground and the mail page, about 125 MB" ;;
    clients) echo "API clients for tests, about 80 MB" ;;
    mkdocs) echo "the builder of the documentation site, about 125 MB" ;;
    go) echo "tools written in Go, compiled here, about 60 MB" ;;
    *) echo "$1" ;;
  esac
}

external=$(bazel info output_base 2> /dev/null)/external
missing=()
for repository in "$@"; do
  marker=$external/@$repository.marker
  case $repository in pypi | python_runtime) locks=third_party/python ;; *) locks=third_party/$repository ;; esac
  if [ ! -e "$marker" ] || [ -n "$(find "$locks" -type f -newer "$marker" -print -quit)" ]; then
    missing+=("$repository")
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

number=0
for repository in "${missing[@]}"; do
  number=$((number + 1))
  echo "Fetching $number of ${#missing[@]}: $(describe "$repository")"
  bazel build --ui_event_filters=-info --noshow_progress --show_result=0 "@$repository//:all"
done
echo "Building"
