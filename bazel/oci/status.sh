#!/bin/sh
# Bazel's workspace status: labels of images. They depend on the commit alone, so that every build of it has the same digests:
# a commit with the tag v1.2.3 has the version 1.2.3, any other 0.0.0-<commit>.
set -eu
git="git --no-optional-locks -c safe.directory=*"
if revision=$($git rev-parse HEAD 2> /dev/null); then
  created=$(TZ=UTC0 $git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
  version=$($git describe --tags --exact-match --match='v[0-9]*' 2> /dev/null || echo "v0.0.0-$(echo "$revision" | cut -c1-12)")
  if ! $git diff --quiet HEAD; then
    revision=$revision-dirty version=$version-dirty
  fi
else
  revision=unknown created=1970-01-01T00:00:00Z version=v0.0.0-unknown
fi
echo "STABLE_REVISION $revision"
echo "STABLE_CREATED $created"
echo "STABLE_VERSION ${version#v}"
