#!/usr/bin/env bash
# Fetches external repositories one at a time and prints the progress; prints nothing if all are up to date.
# dev/fetch.sh REPOSITORY...
set -euo pipefail
cd "$(dirname "$0")/.."

# What a repository is, and its megabytes on disk, about.
describe() {
  case $1 in
    pypi) echo "830 Python packages and their bytecode" ;;
    debian) echo "55 the Python interpreter and its libraries" ;;
    kafka) echo "45 Kafka" ;;
    elasticsearch) echo "45 Elasticsearch" ;;
    npm) echo "125 the playground and the mail page" ;;
    clients) echo "80 API clients for tests" ;;
    mkdocs) echo "125 the builder of the documentation site" ;;
    go) echo "60 tools written in Go, compiled here" ;;
    victorialogs) echo "15 the log store, compiled here" ;;
    kubernetes) echo "600 a Kubernetes node, compiled here in half an hour" ;;
    *) echo "0 $1" ;;
  esac
}

external=$(bazel info output_base 2> /dev/null)/external
missing=() left=0
for repository in "$@"; do
  marker=$external/@$repository.marker
  case $repository in
    pypi) sources=(third_party/python bazel/python/pip_lock.*) ;;
    *) sources=("third_party/$repository" bazel/assembled) ;;
  esac
  # Bazel leaves its marker as it is when a file has a new time and the same content.
  fetched=.souk/fetched-$repository
  [ -e "$fetched" ] || fetched=$marker
  if [ ! -e "$marker" ] || [ -n "$(find "${sources[@]}" -type f -newer "$marker" -newer "$fetched" -print -quit)" ]; then
    missing+=("$repository")
    read -r size _ <<< "$(describe "$repository")"
    left=$((left + size))
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

# Prints its input, and after ten seconds without any the repository's size so far.
progress() {
  local line='' status
  while true; do
    status=0
    IFS= read -r -t 10 line || status=$?
    if [ "$status" = 0 ]; then
      echo "$line"
    elif [ "$status" -gt 128 ]; then
      echo "  working for $((SECONDS - start)) s, $(du -sm "$external/$repository" 2> /dev/null | cut -f1) MB on disk"
    else
      return 0
    fi
  done
}

number=0
for repository in "${missing[@]}"; do
  number=$((number + 1)) start=$SECONDS
  read -r size what <<< "$(describe "$repository")"
  left=$((left - size))
  echo "Fetching $number of ${#missing[@]}: $what, about $size MB on disk; $left MB left after it"
  bazel build --ui_event_filters=-info --noshow_progress --show_result=0 "@$repository//:all" 2>&1 | progress
  mkdir -p .souk && touch ".souk/fetched-$repository"
  echo "  done in $((SECONDS - start)) s"
done
