#!/bin/bash
# What the entrypoint of the image `postgres` does, as far as Souk's manifests use it.
set -euo pipefail
export PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin PGDATA=${PGDATA:-/var/lib/postgresql/data}
mkdir -p "$PGDATA"; chmod 700 "$PGDATA"  # At every start: fsGroup opens it to the group.
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-host=scram-sha-256 --auth-local=trust --encoding=UTF8 --locale=C.UTF-8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start
  [ "${POSTGRES_DB:-$POSTGRES_USER}" = postgres ] || createdb -h /var/run/postgresql -U "$POSTGRES_USER" "${POSTGRES_DB:-$POSTGRES_USER}"
  for file in /docker-entrypoint-initdb.d/*.sql; do [ -e "$file" ] && psql -v ON_ERROR_STOP=1 -h /var/run/postgresql -U "$POSTGRES_USER" -d "${POSTGRES_DB:-$POSTGRES_USER}" -f "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
