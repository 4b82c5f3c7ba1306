#!/usr/bin/env bash
# Puts an Elasticsearch node together in home/ and checks every jar. `assemble.sh --write` records the hashes after a change of the pom.
set -euo pipefail
cd "$(dirname "$0")"
echo "  fetching and checking jars"
mvn -B -ntp -q package
rm -rf home
mv target/home home
if [ "${1:-}" = --write ]; then
  find home -name '*.jar' | sort | xargs sha256sum > jars.sha256
fi
sha256sum --check --quiet --strict jars.sha256
[ "$(find home -name '*.jar' | wc -l)" = "$(wc -l < jars.sha256)" ] || { echo "a jar has no hash in jars.sha256" >&2; exit 1; }

netty=home/modules/transport-netty4
unzip -p $netty/transport-netty4-*.jar '*/plugin-descriptor.properties' > $netty/plugin-descriptor.properties
# module NAME CLASS: compiles src/CLASS.java into home/modules/NAME, beside the jars that it needs.
module() {
  mkdir -p "target/classes/$1" "home/modules/$1"
  javac -d "target/classes/$1" -cp "home/lib/*:home/modules/$1/*" "src/$2.java"
  jar --create --file "home/modules/$1/$1.jar" -C "target/classes/$1" .
  { cat "$1.properties"; grep -E '^(elasticsearch\.)?version=' $netty/plugin-descriptor.properties; } > "home/modules/$1/plugin-descriptor.properties"
}
module dev-module DevModule
module analysis-icu IcuModule
mkdir -p target/classes/launcher
javac -d target/classes/launcher -cp "home/lib/*" src/ElasticsearchNode.java
jar --create --file home/launcher.jar -C target/classes/launcher .
cp -r config home/config
