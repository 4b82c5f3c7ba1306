#!/usr/bin/env bash
# Follows the log of one component of the local stack, or all logs: dev/logs.sh FOLDER [COMPONENT]
set -euo pipefail
folder=$1 component=${2:-}
shopt -s nullglob
known=("$folder"/*.log)
if [ ${#known[@]} = 0 ]; then
  echo "No logs in $folder: \`make run\` starts the stack" >&2
  exit 1
fi
[ -n "$component" ] || exec tail -n 50 -F "${known[@]}"
names=("${known[@]##*/}")
for name in "${names[@]%.log}"; do
  [ "$name" != "$component" ] || exec tail -n 50 -F "$folder/$name.log"
done
echo "There is no component $component. Components: ${names[*]%.log}" >&2
exit 1
