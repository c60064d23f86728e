# Where the suite of this checkout keeps what, and how its processes are called. Sourced by up, start, down and the tests.
#
#   SUITE_BUILD   folder of the build          (default build/release)
#   SUITE_VAR     folder of everything kept    (default var): keys, store, logs, sockets
#   SUITE_SEEDS   reference data and demo      (default seeds)
#   SUITE_SERVICES, SUITE_OUTER   what runs    (default all): services on the bus; payers at the edge and the courier

root=$(cd "$(dirname "$0")/.." && pwd)
build=${SUITE_BUILD:-$root/build/release}
var=${SUITE_VAR:-$root/var}
seeds=${SUITE_SEEDS:-$root/seeds}
case $var in /*) ;; *) var=$PWD/$var ;; esac

# A unix socket's path may have 107 characters; a deep checkout gets a short folder for its sockets.
run=$var/run
if [ "${#run}" -gt 80 ]; then
    run=/tmp/casebus-$(printf %s "$var" | cksum | cut -d' ' -f1)
fi

services="${SUITE_SERVICES:-intake planning scheduling claims notifications}"
outer="${SUITE_OUTER-payer courier}"
processes="redis broker $services edge $outer"
config=$var/casebus.conf

say() { printf '%s\n' "$*"; }
fail() { printf 'casebus: %s\n' "$*" >&2; exit 1; }
casebus() { CASEBUS_CONFIG=$config "$build/bin/casebus" "$@"; }

# Whether the supervisor of this folder runs.
supervised() { [ -s "$var/supervisor.pid" ] && kill -0 "$(cat "$var/supervisor.pid")" 2>/dev/null; }
