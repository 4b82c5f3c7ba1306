#!/usr/bin/env bash
# Builds targets and shows the progress, without Bazel's INFO lines: dev/build.sh TARGET...
set -euo pipefail
options=(--ui_event_filters=-info --show_result=0)
if [ -t 2 ]; then
  # Progress is redrawn in a terminal, which Bazel does not see behind the filter, and printed as occasional lines elsewhere.
  options+=(--curses=yes --color=yes "--terminal_columns=$(tput cols)" --show_progress_rate_limit=0.2)
else
  options+=(--show_progress_rate_limit=5)
fi
# No option suppresses the last line, "INFO: Build completed successfully".
bazel build "${options[@]}" "$@" 2>&1 | sed -u -E '/^INFO: /d; s/(\x1b\[[0-9;]*m)*INFO:(\x1b\[[0-9;]*m)* Build completed success.*//' >&2
