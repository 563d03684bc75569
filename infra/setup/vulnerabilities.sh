#!/bin/sh
# Looks for known vulnerabilities in what the code calls: infra/setup/vulnerabilities.sh lint|release [PACKAGE...]
#
#   GOVULNDB   the database, an https:// or file:// address; Go's own when empty
#
# One that the code reaches ends both with 1. So does, for a release, a database that cannot be reached; lint says so and
# goes on, since work must be possible without a network.
set -eu

goal=${1:-}
case $goal in
lint | release) shift ;;
*) echo "usage: $0 lint|release [PACKAGE...]" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || set -- ./...
database=${GOVULNDB:-https://vuln.go.dev}

govulncheck=$("$(dirname -- "$0")/tool.sh" govulncheck)
said=$(mktemp)
trap 'rm -f "$said"' EXIT
status=0
"$govulncheck" -db "$database" "$@" >"$said" 2>&1 || status=$?
cat "$said"
case $status in
0) exit 0 ;;
3) echo "Vulnerabilities: the code calls what is listed above; take the fixed versions." >&2; exit 1 ;;
esac
# Whatever else went wrong, the code was not looked at. These two are how it tells of a database that it cannot have.
if ! grep -q -e '^creating client: ' -e '^govulncheck: fetching vulnerabilities: ' "$said"; then
	exit 1
fi
if [ "$goal" = release ]; then
	echo "Vulnerabilities: the database $database cannot be reached, and nothing is released unchecked." >&2
	exit 1
fi
echo "WARNING: NOT CHECKED FOR VULNERABILITIES: the database $database cannot be reached." >&2
