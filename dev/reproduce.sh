#!/usr/bin/env bash
# Builds every image of this commit twice, from independent clones in different folders, and compares the digests. As root, the second build
# runs in a root that differs from the first (dev/other_root.sh). Arguments are passed to bazel, e.g. --config=bazel7.
set -euo pipefail
cd "$(dirname "$0")/.."
revision=$(git rev-parse HEAD)
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# The paths differ in length, so that an embedded path changes offsets too.
for folder in "$work/one" "$work/another/somewhere/else"; do
  digests=$work/$(basename "$folder").digests
  git clone --quiet . "$folder"
  git -C "$folder" checkout --quiet "$revision"
  echo "Building the images of $revision from ${#folder} characters of path"
  root=()
  if [ "${folder##*/}" = else ]; then
    if [ "$(id -u)" = 0 ]; then
      root=(dev/other_root.sh "$work")
      echo "in another root"
    else
      echo "in the same root: another one needs root"
    fi
  fi
  (cd "$folder" && "${root[@]}" bazel --batch --output_base="$folder.base" run "$@" //:image_digests) > "$digests" 2> "$work/log" || {
    cat "$work/log" >&2
    exit 1
  }
done
cat "$work/one.digests"
diff "$work/one.digests" "$work/else.digests"
echo "Both builds gave the same digests."
