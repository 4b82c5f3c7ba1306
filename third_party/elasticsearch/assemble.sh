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

netty=home/modules/transport-netty4 module=home/modules/dev-module
unzip -p $netty/transport-netty4-*.jar '*/plugin-descriptor.properties' > $netty/plugin-descriptor.properties
mkdir -p target/classes/{launcher,module} $module
javac -d target/classes/launcher -cp "home/lib/*" src/ElasticsearchNode.java
javac -d target/classes/module -cp "home/lib/*" src/DevModule.java
jar --create --file home/launcher.jar -C target/classes/launcher .
jar --create --file $module/dev-module.jar -C target/classes/module .
{ cat module.properties; grep -E '^(elasticsearch\.)?version=' $netty/plugin-descriptor.properties; } > $module/plugin-descriptor.properties
cp -r config home/config
