#!/usr/bin/env bash
# Puts a Kafka server together in home/ and checks every jar. `assemble.sh --write` records the hashes after a change of the pom.
set -euo pipefail
cd "$(dirname "$0")"
echo "  fetching and checking jars"
mvn -B -ntp -q dependency:copy-dependencies
rm -rf home
mkdir -p home
mv target/lib home/lib
cp server.properties log4j2.yaml home/
if [ "${1:-}" = --write ]; then
  find home -name '*.jar' | sort | xargs sha256sum > jars.sha256
fi
sha256sum --check --quiet --strict jars.sha256
[ "$(find home -name '*.jar' | wc -l)" = "$(wc -l < jars.sha256)" ] || { echo "a jar has no hash in jars.sha256" >&2; exit 1; }
