#!/usr/bin/env bash
# Installs the locked packages (npm checks each against its hash) and bundles the playground into playground/.
set -euo pipefail
cd "$(dirname "$0")"
# Nothing of a package runs when it is installed: none of these needs it.
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
mkdir -p playground
node_modules/.bin/esbuild playground.js --bundle --minify --target=es2020 --outfile=playground/graphiql.js \
  --define:process.env.NODE_ENV='"production"' --loader:.woff2=dataurl --loader:.woff=dataurl --loader:.ttf=dataurl --loader:.svg=dataurl \
  --log-level=warning --legal-comments=none
# The mail sink is run as it is; what the playground was made of is not needed any more.
npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
