#!/usr/bin/env bash
# Unpacks the locked Debian packages into system/, and makes the interpreter in it run wherever system/ lies. The files are those in
# stored/, or else those of the archives that apt is configured with; each is checked against its hash.
set -euo pipefail
cd "$(dirname "$0")"
lock=${1:-packages.lock}
for tool in apt-get dpkg-deb; do
  command -v "$tool" > /dev/null || {
    echo "the interpreter and the images are made of Debian packages; this machine has no $tool to fetch and unpack them" >&2
    exit 1
  }
done
architecture=$(dpkg --print-architecture)
apt=(-o APT::Sandbox::User=root)

sites() { apt-get indextargets "${apt[@]}" --format='$(SITE)' 'Created-By: Packages' | sort -u; }

if [ -z "$(sites)" ]; then
  # The indexes of this machine have been deleted, or were never fetched: fetch them to a place of our own, which needs no root.
  mkdir -p apt/lists/partial apt/cache/archives/partial
  apt+=(-o "Dir::State=$PWD/apt" -o "Dir::Cache=$PWD/apt/cache" -o Dir::State::status=/dev/null)
  apt-get update "${apt[@]}" -qq
fi
mapfile -t archives < <(sites)

fetch() { # SHA256 PATH: leaves the file in packages/
  local file=packages/${2##*/} archive
  : > packages/log
  if [ -e "stored/${2##*/}" ]; then
    cp "stored/${2##*/}" "$file"
  else
    for archive in "${archives[@]}"; do
      # Each but the last may well lack it.
      /usr/lib/apt/apt-helper "${apt[@]}" -qq download-file "$archive/$2" "$file" "SHA256:$1" > packages/log 2>&1 && break
      rm -f "$file"
    done
  fi
  [ -e "$file" ] && echo "$1  $file" | sha256sum --check --status
}

rm -rf packages system
mkdir -p packages system/usr/lib system/usr/lib64 system/var/lib/dpkg/{info,status.d}
# As on an installed system, /lib is /usr/lib.
ln -s usr/lib system/lib
ln -s usr/lib64 system/lib64
while read -r name version of _ sha256 path; do
  case $of in "$architecture" | all) ;; *) continue ;; esac
  if ! fetch "$sha256" "$path"; then
    echo "cannot get $name $version as locked in third_party/debian: it has left the archives that apt is configured with, or they are" \
      "unreachable. \`make lock\` locks the version that they have now. The last answer:" >&2
    cat packages/log >&2
    exit 1
  fi
  dpkg-deb --fsys-tarfile "packages/${path##*/}" > packages/tar
  tar -t -f packages/tar | sed -E 's#^\./(lib|lib64)/#./usr/\1/#; s#^\.##' > "system/var/lib/dpkg/info/$name.list"
  tar -x -f packages/tar --keep-directory-symlink --no-same-owner --delay-directory-restore -C system --wildcards --exclude='*/gconv/*' --exclude='./usr/share/man/*'
  { dpkg-deb --field "packages/${path##*/}" Package Version Architecture Maintainer Homepage Source && echo "Status: install ok installed"; } \
    > "system/var/lib/dpkg/status.d/$name"
done < <(grep -v '^#' "$lock")

# Extension modules of which libraries are not locked; they would take this machine's.
rm -f system/usr/lib/python3.11/lib-dynload/{_crypt,_curses,_curses_panel,_dbm,nis,readline}.*.so system/usr/lib/python3.11/EXTERNALLY-MANAGED
# /etc/os-release is a link to usr/lib/os-release; nothing else in /etc is of use here.
rm -rf system/etc
# No link leads out of system/.
find system -type l -lname '/*' -printf '%p %l\n' | while read -r link target; do
  if [ -f "system$target" ]; then cp --remove-destination "system$target" "$link"; else rm "$link"; fi
done
find system -xtype l -delete

# A loader with this name, so that processes have it too. Given the path of the libraries, it finds them wherever they lie.
mkdir -p system/usr/libexec
cp system/usr/lib64/ld-linux-*.so.* system/usr/libexec/python3.11 2> /dev/null || cp -L system/usr/lib/ld-linux-*.so.* system/usr/libexec/python3.11
mv system/usr/bin/python3.11 system/usr/libexec/python3.11.elf
mv system/usr/share/python-wheels/pip-*.whl system/usr/share/pip.whl
libraries=$(cd system/usr/lib && echo *-linux-gnu)
cat > system/usr/bin/python3.11 << END
#!/bin/sh
# The interpreter with the libraries beside it, and none of the machine's. sys.executable is this script.
self=\$0
[ ! -L "\$self" ] || self=\$(readlink -f "\$self")
case \$self in /*) ;; *) self=\$PWD/\$self ;; esac
usr=\${self%/bin/*}
exec "\$usr/libexec/python3.11" --inhibit-cache --library-path "\$usr/lib/$libraries" --argv0 "\$0" "\$usr/libexec/python3.11.elf" "\$@"
END
chmod +x system/usr/bin/python3.11
# Bytecode contains sets in the order of their hashes, and the path that the source will have in an image. -B, because importing a module
# would write its bytecode with the path that it has here; not -I, which ignores the seed of the hashes.
env -i PYTHONHASHSEED=0 system/usr/bin/python3.11 -B -S -P -m compileall -q -f -s system -p / --invalidation-mode unchecked-hash \
  system/usr/lib/python3.11
rm -rf packages apt
# Bazel does not look into a folder: what depends on system/ depends on this file too.
sha256sum "$lock" assemble.sh > stamp
