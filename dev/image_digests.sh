#!/usr/bin/env bash
# Writes the present digest behind the tag of every image of other projects (`image: NAME:TAG`), as the registries report it:
# dev/image_digests.sh FILE... An image that is built here (souk/, `build:`) has none.
set -euo pipefail
skopeo=${SKOPEO:-skopeo}
images=$(sed -nE 's/^.*image: "?([a-z0-9./-]+:[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?("|,|\}|$).*/\1/p' "$@" | grep -vE '^(souk/|elasticsearch-icu:)' | sort -u)
for image in $images; do
  digest=$("$skopeo" inspect --no-tags --format '{{.Digest}}' "docker://$image")
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$image: the registry reported no digest: $digest" >&2; exit 1; }
  sed -i -E "s#(image: \"?${image//./\\.})(@sha256:[0-9a-f]{64})?(\"|,|\}|\$)#\1@$digest\3#" "$@"
  echo "$image $digest"
done
