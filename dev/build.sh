#!/usr/bin/env bash
# Builds targets and shows the progress, without Bazel's INFO lines, then what changed since the last build: dev/build.sh TARGET...
set -euo pipefail
cd "$(dirname "$0")/.."
marker=.souk/built$(tr -c 'a-z0-9\n' - <<< "$*")
mkdir -p .souk
touch "$marker.started"
events=$(mktemp)
trap 'rm -f "$events"' EXIT
options=(--ui_event_filters=-info --show_result=0 --build_event_json_file="$events")
if [ -t 2 ]; then
  # Progress is redrawn in a terminal, which Bazel does not see behind the filter.
  options+=(--curses=yes --color=yes "--terminal_columns=$(tput cols)" --show_progress_rate_limit=0.2)
  filter='s/\[Prepa\] //'
else
  # Elsewhere a line every five seconds, with the number of actions only.
  options+=(--show_progress_rate_limit=5)
  filter='/^(Loading|Analyzing):|^\[0 /d; s/^\[([0-9,]+) \/ ([0-9,]+)\].*/  built \1 of \2/'
fi
# No option suppresses the last line, "INFO: Build completed successfully".
bazel build "${options[@]}" "$@" 2>&1 | sed -u -E "/^INFO: /d; s/(\x1b\[[0-9;]*m)*INFO:(\x1b\[[0-9;]*m)* Build completed success.*//; $filter" >&2

# One action, the status of the workspace, runs in every build.
actions=$(($(grep -oE '"actionsExecuted":"[0-9]+"' "$events" | grep -oE '[0-9]+' || echo 0) - 1))
steps="$actions steps in $SECONDS s"
if [ ! -e "$marker" ]; then
  echo "Built $*: $steps"
else
  mapfile -t changed < <(git ls-files -z --cached --others --exclude-standard | find -files0-from - -maxdepth 0 -newer "$marker" 2> /dev/null)
  names=$(printf ', %s' "${changed[@]:0:3}")
  [ ${#changed[@]} -le 3 ] || names+=" and $((${#changed[@]} - 3)) more files"
  if [ ${#changed[@]} -gt 0 ]; then
    echo "Changed since the last build: ${names:2} ($steps)"
  elif [ "$actions" -gt 0 ]; then
    echo "Changed since the last build: removed files or tools ($steps)"
  else
    echo "Nothing changed since the last build"
  fi
fi
mv "$marker.started" "$marker"
