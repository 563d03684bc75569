#!/bin/sh
# Run once by the PostgreSQL image on a new volume.
set -eu
psql -v ON_ERROR_STOP=1 -v admin_file=/run/secrets/admin -v lookup_file=/run/secrets/lookup \
	-U postgres -f /etc/lignum/prepare.sql postgres
psql -v ON_ERROR_STOP=1 -U postgres -d lignum -f /etc/lignum/close.sql
