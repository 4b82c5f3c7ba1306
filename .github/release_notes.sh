#!/usr/bin/env bash
# Prints release notes: release_notes.sh TAG IMAGES. The commits since the previous tag, and the images with their digests.
set -euo pipefail
tag=$1
before=$(git describe --tags --abbrev=0 --match='v[0-9]*' "$tag^" 2> /dev/null || true)
printf '## Changes%s\n\n' "${before:+ since $before}"
git log --no-merges --format='- %s (%h)' "${before:+$before..}$tag"
printf '\n## Images\n\n'
grep -oE '[^ ]+/souk/[a-z-]+:[^ @]+@sha256:[0-9a-f]{64}' "$2" | sed 's/.*/- `&`/'
