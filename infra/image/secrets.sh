#!/bin/sh
# Makes the secrets of a new installation in a folder, and overwrites none: infra/image/secrets.sh FOLDER
#
#   postgres       the superuser's password         admin, admin.env   lignum_admin's, and with its connection
#   lookup         pgbouncer_auth's password        userlist           the same for PgBouncer
#   serve.env      LIGNUM_MASTER_KEY: without it nobody signs in to the database again. Keep a copy elsewhere.
#
# ADMIN_HOST is where PostgreSQL answers, postgres when empty.
set -eu

folder=${1:?usage: $0 FOLDER}
[ ! -e "$folder" ] || { echo "$folder is there already: its secrets are kept" >&2; exit 1; }
random() { head -c 32 /dev/urandom | base64 -w 0; }
word() { random | tr -d '/+='; } # fits into an address

umask 077
mkdir -p "$folder"
word >"$folder/postgres"
admin=$(word)
lookup=$(word)
printf %s "$admin" >"$folder/admin"
printf %s "$lookup" >"$folder/lookup"
printf '"pgbouncer_auth" "%s"\n' "$lookup" >"$folder/userlist"
printf 'LIGNUM_DIRECT_DSN=postgres://lignum_admin:%s@%s:5432/lignum?sslmode=disable\n' "$admin" "${ADMIN_HOST:-postgres}" >"$folder/admin.env"
printf 'LIGNUM_MASTER_KEY=%s\n' "$(random)" >"$folder/serve.env"
# The folder is closed to others; the files are open, since each container reads those it is given as a user of its own.
chmod 0444 "$folder/postgres" "$folder/admin" "$folder/lookup" "$folder/userlist"
