#!/usr/bin/env bash
# Runs a command where another machine's differences are: in a root without an interpreter and without apt's indexes, in which each library
# that images could have taken from it has one more byte at its end, and with another locale, time zone and umask. Needs root, and Linux's
# overlay file system. dev/other_root.sh FOLDER COMMAND...: FOLDER is the one that both roots have.
set -euo pipefail
if [ -z "${SOUK_OTHER_ROOT:-}" ]; then
  # The mounts end with the command.
  SOUK_OTHER_ROOT=yes exec unshare --mount --propagation=private "$0" "$@"
fi
shared=$1
shift
base=$shared/root
mkdir -p "$base"
mount -t tmpfs tmpfs "$base"
mkdir "$base"/{upper,work,merged}
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/merged"
for folder in /proc /dev /sys "$shared"; do
  mkdir -p "$base/merged$folder"
  mount --rbind "$folder" "$base/merged$folder"
done
root=$base/merged
rm -rf "$root"/usr/bin/python3.11 "$root"/var/lib/apt/lists/*
echo 'PRETTY_NAME="another machine"' >> "$root/usr/lib/os-release"
while read -r name _; do
  [ "$name" != "#" ] || continue
  # A copy first: programs that run have the other open.
  for file in $(cat "/var/lib/dpkg/info/$name"{,":$(dpkg --print-architecture)"}.list 2> /dev/null | grep -E '\.so(\.[0-9]+)*$|/python3\.11/.*\.py$'); do
    [ -f "$root$file" ] && [ ! -L "$root$file" ] || continue
    cp -p "$root$file" "$root$file.new"
    echo >> "$root$file.new"
    mv "$root$file.new" "$root$file"
  done
done < "$(dirname "$0")/../third_party/debian/packages.lock"
umask 077
exec env TZ=Asia/Tokyo LC_ALL=C HOME="$shared" chroot "$root" bash -c 'cd "$0" && exec "$@"' "$PWD" "$@"
