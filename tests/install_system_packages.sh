#!/usr/bin/env bash
# Debian packages that the tests need: PostgreSQL's and Prometheus' binaries, Chromium, and venv for
# a bare python3; with the word `stack` also what runs the compose stack without Docker. Nothing
# that is installed here is left running.
set -euo pipefail
missing=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
command -v curl >/dev/null || missing+=(curl)
command -v openssl >/dev/null || missing+=(openssl)
command -v chromium >/dev/null || missing+=(chromium)
daemons=()
command -v promtool >/dev/null || daemons+=(prometheus)
command -v amtool >/dev/null || daemons+=(prometheus-alertmanager)
missing+=("${daemons[@]}")
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ "${1:-}" = stack ]; then
    for program in podman buildah runc catatonit iptables debootstrap; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    for program in netavark aardvark-dns; do
        [ -x "/usr/lib/podman/$program" ] || missing+=("$program")
    done
fi
[ ${#missing[@]} -eq 0 ] && exit 0
command -v apt-get >/dev/null || { echo "please install: ${missing[*]}" >&2; exit 1; }
run=""
[ "$(id -u)" = 0 ] || run=sudo
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $run tee $policy >/dev/null
    $run chmod 755 $policy
    trap '$run rm -f $policy' EXIT
fi
$run apt-get update -qq
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends "${missing[@]}"
if [ -d /run/systemd/system ]; then
    for daemon in "${daemons[@]}"; do $run systemctl disable --quiet "$daemon"; done
fi
