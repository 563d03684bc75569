#!/bin/sh
# Checks a clean checkout, and builds into dist/ what is delivered (infra/release/build.sh). Whatever stops it, no dist/ of an
# earlier release is left to be taken for this one's.
#
#   GOVULNDB   another database of vulnerabilities; without one nothing is released
set -eu

cd -- "$(dirname -- "$0")/../.."
rm -rf dist
# Git hides what a person's own settings tell it to: files that are not committed, and changes of files it shall not look at.
changed=$(git status --porcelain --untracked-files=no && git ls-files -v | sed -n '/^[a-zS] /p' &&
	git ls-files --others --exclude-per-directory=.gitignore | sed 's/^/?? /') || {
	echo "A release is built from a git checkout." >&2
	exit 1
}
if [ -n "$changed" ]; then
	echo "The checkout differs from its commit, and a release is built from what is committed:" >&2
	echo "$changed" >&2
	exit 1
fi
infra/setup/vulnerabilities.sh release
make --no-print-directory lint-code
infra/release/build.sh
