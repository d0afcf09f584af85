#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a virtual environment of this checkout from its lock, or leaves it alone when it is what the lock says.
#
#   tools/venv.sh          .venv        the tool chain, newest ansible-core this Python allows   requirements/py3*.txt
#   tools/venv.sh 2.16     .venv-2.16   the oldest ansible-core supported                        requirements/compat-2.16.txt
#   tools/venv.sh 2.21     .venv-2.21   the newest one, where a Python 3.12 or newer is at hand  requirements/compat-2.21.txt
#
# PYTHON=/path/to/python3 chooses the interpreter. Exit status 3: no Python that this ansible-core can run on.

set -eu
cd "$(dirname "$0")/.."
root=$PWD
core=${1:-}

case $core in
    '')   venv=.venv;       versions='3.13 3.12 3.11' ;;
    2.16) venv=.venv-2.16;  versions='3.10 3.11 3.12' ;;
    2.21) venv=.venv-2.21;  versions='3.13 3.12' ;;
    *)    echo "tools/venv.sh: no lock for ansible-core $core (known: 2.16, 2.21)" >&2; exit 2 ;;
esac
stamp=$venv/.stamp

say() { printf '%s\n' "$*"; }
die() { printf 'tools/venv.sh: %s\n' "$*" >&2; exit 1; }

# The environment must not be made by the interpreter that lies in it.
PATH=$(printf '%s' "$PATH" | sed "s#$root/\.venv[^:/]*/bin:##g")

lock_of() { # version of Python -> lock
    if [ -n "$core" ]; then echo "requirements/compat-$core.txt"; else echo "requirements/py$(echo "$1" | tr -d .).txt"; fi
}

fingerprint() { # version of Python -> what must not have changed since the installation
    lock=$(lock_of "$1")
    echo "$1 $lock $(sha256sum < "$lock" | cut -d ' ' -f 1) $root/$venv"
}

version_of() { # interpreter -> 3.11; nothing when it does not run (a pyenv shim may only pretend to)
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

wanted() { case " $versions " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

up_to_date() {
    [ -f "$stamp" ] || return 1
    read -r have rest < "$stamp" || return 1
    [ -f "$(lock_of "$have")" ] && [ "$have $rest" = "$(fingerprint "$have")" ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$have" ] || return 1
    "$venv/bin/python" -c '' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        wanted "$(version_of "$PYTHON")" && command -v "$PYTHON"
        return
    fi
    for v in $versions; do
        for candidate in "python$v" python3 /usr/bin/python3; do
            if [ "$(version_of "$candidate")" = "$v" ]; then command -v "$candidate"; return 0; fi
        done
        # Beside an environment that exists already any Python will do, so look where pyenv keeps its own, too.
        [ -n "$core" ] || continue
        for candidate in "${PYENV_ROOT:-${HOME:-/root}/.pyenv}"/versions/"$v".*/bin/python3; do
            if [ -x "$candidate" ]; then echo "$candidate"; return 0; fi
        done
    done
    return 1
}

need_ensurepip() { # interpreter, version: Debian keeps the venv module's other half in a package of its own
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return 0
    package=python$2-venv
    case $(command -v "$1") in
        /usr/bin/*|/bin/*) ;;
        *) die "$1 has no module ensurepip, and it is not the system's Python: install it, or set PYTHON" ;;
    esac
    command -v apt-get >/dev/null 2>&1 || die "$1 has no module ensurepip: install your system's package for python venv"
    [ "$(id -u)" = 0 ] || die "$1 has no module ensurepip. As root: apt-get install $package"
    say "Installing $package (Debian) ..."
    export DEBIAN_FRONTEND=noninteractive
    apt="apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $package"
    # shellcheck disable=SC2086 # a command and its words
    $apt >/dev/null 2>&1 || { apt-get -qq update >/dev/null && $apt >/dev/null; } || die "apt-get install $package failed"
}

if up_to_date; then exit 0; fi

# One at a time: two makes in one checkout would pull the environment from under each other.
if command -v flock >/dev/null 2>&1; then
    exec 9< requirements
    flock 9
    if up_to_date; then exit 0; fi
fi

if ! python=$(find_python); then
    if [ -n "${PYTHON:-}" ]; then
        found=$(version_of "$PYTHON")
        echo "tools/venv.sh: $PYTHON is ${found:-not a Python that runs}; ansible-core ${core:-2.19 and newer} needs one of: $versions" >&2
    else
        echo "tools/venv.sh: no Python for ansible-core ${core:-2.19 and newer} found (one of: $versions). Debian: apt-get install python3; or set PYTHON=/path/to/python3" >&2
    fi
    exit 3
fi
version=$(version_of "$python")
need_ensurepip "$python" "$version"
lock=$(lock_of "$version")
began=$(date +%s)

say "Installing $(grep -c '==' "$lock") locked packages into $venv ($lock, $python) ..."
rm -f "$stamp"
"$python" -m venv --clear "$venv"
if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off --no-deps \
        --require-hashes --only-binary :all: --requirement "$lock" > "$venv/install.log" 2>&1; then
    grep -v '^WARNING: Location' "$venv/install.log" | tail -n 20 >&2
    die "pip could not install $lock (whole log: $venv/install.log)"
fi
fingerprint "$version" > "$stamp"
say "Installed $("$venv/bin/ansible" --version | head -n 1) in $(($(date +%s) - began)) s"
