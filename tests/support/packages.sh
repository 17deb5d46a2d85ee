# shellcheck shell=bash disable=SC2034
# Installs what is missing from Debian's packages.  To be sourced by ./test and ./demo:
#
#   . tests/support/packages.sh
#   need_packages "${BUILD_PACKAGES[@]}"         # what building the program takes
#   need_packages "${TEST_PACKAGES[@]}"          # and what running the tests takes
#
# need_packages PACKAGE... asks dpkg first, so that a machine that has everything is not
# held up and needs no network; with something missing it runs apt-get as root or by sudo.
# Returns 1 with words on standard error when that is not possible.

BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config libmicrohttpd-dev libjansson-dev libpq-dev libpcre2-dev libssl-dev zlib1g-dev libzstd-dev libmimalloc-dev postgresql)
TEST_PACKAGES=("${BUILD_PACKAGES[@]}" check postgresql-client python3 python3-django python3-psycopg2 curl zstd)

missing_packages() {
	local package
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' || echo "$package"
	done
}

run_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "This needs root: $*" >&2
		return 1
	fi
}

need_packages() {
	local missing
	mapfile -t missing < <(missing_packages "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "Missing: ${missing[*]} (no apt-get here; install them by hand)" >&2
		return 1
	fi
	echo "==> Installing from Debian: ${missing[*]}"
	# The postgresql package would start a server of its own; ours are private.
	run_as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null &&
		run_as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
}
