#!/usr/bin/env bash
# Installs the missing tools to build, test and run Souk: on Debian with apt (with sudo unless root), nothing in a Nix shell; elsewhere it
# lists them. Servers of installed packages are not started: the stack runs its own as child processes.
set -euo pipefail

# A command or file to look for, and its Debian package.
needs=(
  "bazel bazel-bootstrap"
  "/usr/lib/postgresql/15/bin/postgres postgresql-15"
  "redis-server redis-server"
  "java openjdk-17-jdk-headless"
  "mvn maven"
  "node nodejs"
  "npm npm"
  "unzip unzip"
  "chromium chromium"
  "prometheus prometheus"
  "podman podman"
  "/usr/sbin/runc runc"
  "/usr/sbin/iptables iptables"
  "/usr/lib/cni/bridge containernetworking-plugins"
  "ip iproute2"
  "newuidmap uidmap"
  "skopeo skopeo"
  "cc gcc"
  "docker-registry docker-registry"
  # For dev/lock.sh, and for older commits in tests/upgrade; everything else runs the locked interpreter.
  "/usr/bin/python3.11 python3.11"
  "/usr/lib/python3.11/ensurepip/__init__.py python3.11-venv"
)

missing=() packages=()
for need in "${needs[@]}"; do
  read -r what package <<< "$need"
  case $what in
    /*) [ -e "$what" ] || { missing+=("$what"); packages+=("$package"); } ;;
    *) command -v "$what" > /dev/null || { missing+=("$what"); packages+=("$package"); } ;;
  esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

# The Nix shell has everything, under other paths.
[ -z "${IN_NIX_SHELL:-}" ] || exit 0

if ! command -v apt-get > /dev/null; then
  printf 'Missing tools, which are installed automatically on Debian and in the Nix shell (nix develop) only:\n' >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi

root=()
[ "$(id -u)" = 0 ] || root=(sudo)
echo "Installing with apt: ${packages[*]}"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  # Prevents Debian from starting servers when their packages are installed.
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" > /dev/null
  "${root[@]}" chmod +x "$policy"
  trap '"${root[@]}" rm -f "$policy"' EXIT
fi
"${root[@]}" apt-get update -qq
install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 "${packages[@]}")
total=$("${root[@]}" "${install[@]}" --simulate | grep -c '^Inst ')
"${root[@]}" "${install[@]}" | awk -v total="$total" '
  /^Get:/ { show("downloaded", ++got) }
  /^Unpacking / { show("unpacked", ++unpacked) }
  /^Setting up / { show("set up", ++ready) }
  function show(what, count) { if (count % 20 == 0 || count == total) { print "  " count " of " total " packages " what; fflush() } }
'
