#!/bin/sh
# Checks a clean checkout, and builds into dist/ what is delivered (infra/release/build.sh).
#
#   GOVULNDB   another database of vulnerabilities; without one nothing is released
set -eu

cd -- "$(dirname -- "$0")/../.."
changed=$(git status --porcelain) || { echo "A release is built from a git checkout." >&2; exit 1; }
if [ -n "$changed" ]; then
	echo "The checkout differs from its commit, and a release is built from what is committed:" >&2
	echo "$changed" >&2
	exit 1
fi
infra/setup/vulnerabilities.sh release
make --no-print-directory lint-code
infra/release/build.sh
