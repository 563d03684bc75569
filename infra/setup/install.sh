#!/bin/sh
# Installs what Lignum needs of the system, and nothing that is already there.
#
#   infra/setup/install.sh run     PostgreSQL server and PgBouncer
#   infra/setup/install.sh test    the same, a C compiler (for the race detector), Chromium with a font
#   infra/setup/install.sh cloud   the same, and what release needs, to test it
#   infra/setup/install.sh release buildah for the image, certificates, unzip; no database
#
# On Debian and Ubuntu, as root or with sudo that asks for no password, it installs with apt-get.
# Elsewhere it names what is missing and the command that installs it, and exits with 1.
# Servers of the system's own are neither made nor started: Lignum runs private ones.
set -eu

goal=${1:-}
case $goal in
run | test | cloud | release) ;;
*) echo "usage: $0 run|test|cloud|release" >&2; exit 2 ;;
esac

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
have() { command -v "$1" >/dev/null 2>&1; }

# The same folders as infra/localcluster searches.
have_postgres() {
	for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /usr/libexec/postgresql*/initdb \
		/opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb; do
		[ -x "$initdb" ] && return 0
	done
	have postgres && have initdb
}

have_pgbouncer() { have pgbouncer || [ -x /opt/homebrew/bin/pgbouncer ]; }

have_compiler() { have cc && printf '#include <stdlib.h>\n' | cc -E - >/dev/null 2>&1; }

have_chromium() {
	for name in chromium chromium-browser google-chrome google-chrome-stable chrome headless-shell; do
		have "$name" && return 0
	done
	[ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ]
}

# The same files as infra/image/build.sh looks for.
have_certificates() {
	[ -s /etc/ssl/certs/ca-certificates.crt ] || [ -s /etc/pki/tls/certs/ca-bundle.crt ] || [ -s /etc/ssl/cert.pem ]
}

# PostgreSQL refuses to run as root, and Lignum as root then runs it as postgres or lignum-db.
have_account() { [ "$(id -u)" != 0 ] || id postgres >/dev/null 2>&1 || id lignum-db >/dev/null 2>&1; }

missing='' # what people call it
apt='' dnf='' apk='' brew='' # what each package manager calls it
need() { # need NAME APT DNF APK BREW
	missing="$missing${missing:+, }$1"
	apt="$apt $2" dnf="$dnf $3" apk="$apk $4" brew="$brew $5"
}

look() {
	missing='' apt='' dnf='' apk='' brew=''
	if [ "$goal" != release ]; then
		have_postgres || need 'PostgreSQL server' postgresql 'postgresql-server postgresql-contrib' 'postgresql postgresql-contrib' postgresql@17
		have_pgbouncer || need PgBouncer pgbouncer pgbouncer pgbouncer pgbouncer
	fi
	if [ "$goal" = test ] || [ "$goal" = cloud ]; then
		have_compiler || need 'C compiler with headers' 'gcc libc6-dev' 'gcc glibc-devel' 'gcc musl-dev' gcc
		have_chromium || need Chromium 'chromium fonts-dejavu-core' 'chromium dejavu-sans-fonts' 'chromium font-dejavu' chromium
	fi
	if [ "$goal" = cloud ] || [ "$goal" = release ]; then
		have buildah || need buildah buildah buildah buildah buildah
		have unzip || need unzip unzip unzip unzip unzip
		have_certificates || need 'CA certificates' ca-certificates ca-certificates ca-certificates ca-certificates
	fi
}

make_account() {
	have_account && return 0
	if have useradd; then
		useradd --system --no-create-home --shell /usr/sbin/nologin lignum-db
	else
		adduser -S -D -H lignum-db # BusyBox
	fi
}

as_root() { # as_root COMMAND...
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

tell() {
	echo "Lignum needs, and this machine lacks: $missing" >&2
	if have apt-get; then
		echo "Install with:  sudo apt-get update && sudo apt-get install --no-install-recommends$apt" >&2
	elif have dnf; then
		echo "Install with:  sudo dnf install$dnf" >&2
	elif have apk; then
		echo "Install with:  sudo apk add$apk" >&2
	elif have brew; then
		echo "Install with:  brew install$brew" >&2
	else
		echo "Install these with your system's package manager; PostgreSQL 13 or later, PgBouncer 1.18 or later." >&2
	fi
	exit 1
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" >>"$said" 2>&1 || {
		status=$?
		echo "apt-get $* failed:" >&2
		tail -n 20 "$said" >&2
		exit "$status"
	}
}

config=/etc/postgresql-common/createcluster.conf
policy=/usr/sbin/policy-rc.d
kept='' policed='' said=''
restore() {
	if [ -n "$kept" ]; then as_root cp "$kept" "$config" && rm -f "$kept"; fi
	if [ -n "$policed" ]; then as_root rm -f "$policy"; fi
	if [ -n "$said" ]; then rm -f "$said"; fi
	kept='' policed='' said=''
}

install_debian() {
	echo "Installing: $missing (apt-get, a few minutes at most) ..." >&2
	trap restore EXIT
	trap 'exit 1' HUP INT TERM
	said=$(mktemp)
	if [ ! -e "$policy" ]; then # else a new service starts at once
		policed=yes
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
	fi
	apt_get update
	case " $apt " in
	*' postgresql '*) # would make and start a cluster called main, unless told not to
		apt_get install --no-install-recommends postgresql-common
		if [ -f "$config" ]; then
			kept=$(mktemp)
			cp "$config" "$kept"
			echo 'create_main_cluster = false' | as_root tee -a "$config" >/dev/null
		fi
		;;
	esac
	# shellcheck disable=SC2086 # a list of words
	apt_get install --no-install-recommends $apt
	case " $apt " in
	*' pgbouncer '*) # nor at the next boot
		if [ -d /run/systemd/system ]; then as_root systemctl disable pgbouncer >/dev/null 2>&1 || true; fi
		;;
	esac
	restore
}

look
if [ -n "$missing" ]; then
	have apt-get || tell
	[ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; } || tell
	install_debian
	look
	[ -z "$missing" ] || tell
fi
if [ "$goal" != release ]; then make_account; fi
