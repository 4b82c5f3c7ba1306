#!/usr/bin/env bash
# Installs the locked packages (npm checks each against its hash) bundles the playground into playground/ the audits into audits/ and the clients into clients/, and leaves
# buildifier and esbuild in bin/, and what the storefront and the dashboards are built and tested with in storefront/.
set -euo pipefail
cd "$(dirname "$0")"
# Nothing of a package runs when it is installed: none of these needs it.
echo "  fetching $(grep -c '"integrity"' package-lock.json) packages"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
echo "  bundling the playground"
mkdir -p playground audits clients
node_modules/.bin/esbuild playground.js --bundle --minify --target=es2020 --outfile=playground/graphiql.js \
  --define:process.env.NODE_ENV='"production"' --loader:.woff2=dataurl --loader:.woff=dataurl --loader:.ttf=dataurl --loader:.svg=dataurl \
  --log-level=warning --legal-comments=none
node_modules/.bin/esbuild audits.js --bundle --platform=node --format=esm --target=node18 --outfile=audits/audits.mjs \
  --log-level=warning --legal-comments=none
node_modules/.bin/esbuild clients.js --bundle --platform=node --format=esm --target=node18 --outfile=clients/clients.mjs \
  --banner:js="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" \
  --log-level=warning --legal-comments=none
# A program for this machine, out of those for all.
case $(uname -m) in x86_64) machine=amd64 ;; aarch64) machine=arm64 ;; *) machine=$(uname -m) ;; esac
mkdir -p bin
cp "node_modules/@bazel/buildifier/buildifier-linux_$machine" bin/buildifier
cp node_modules/@esbuild/linux-*/bin/esbuild bin/esbuild
chmod +x bin/buildifier bin/esbuild
mkdir -p storefront/node_modules/@typescript
cp -r node_modules/preact node_modules/typescript node_modules/uplot storefront/node_modules/
cp -r node_modules/@typescript/typescript-linux-* storefront/node_modules/@typescript/
cp node_modules/axe-core/axe.min.js storefront/axe.min.js
# The mail sink is run as it is; what the playground was made of is not needed any more.
echo "  removing what is not needed any more"
npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
