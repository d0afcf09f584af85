#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what the tests of the rulebooks need and nothing else does: ansible-rulebook into .venv-eda/, and as root a
# Java runtime where there is none (as another user it is named). The tests call it by themselves.

set -eu
cd "$(dirname "$0")/.."
venv=.venv-eda
stamp=$venv/stamp
wanted=$(cat requirements/eda.txt "$0" | cksum)

need_java() { # the engine of the rules runs on Java 17 or newer
    if command -v java >/dev/null 2>&1; then return 0; fi
    package=default-jre-headless
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "tools/eda.sh: there is no java: install a runtime of Java 17 or newer" >&2
        exit 3
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "tools/eda.sh: there is no java. As root: apt-get install $package" >&2
        exit 3
    fi
    echo "Installing $package (Debian) ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    apt="apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $package"
    # shellcheck disable=SC2086 # a command and its words
    $apt >/dev/null 2>&1 || { apt-get -qq update >/dev/null && $apt >/dev/null; }
}

up_to_date() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && command -v java >/dev/null 2>&1; }

if up_to_date; then exit 0; fi
exec 9< requirements/eda.txt
flock 9
if up_to_date; then exit 0; fi

need_java
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
echo "Installing ansible-rulebook into $venv ..." >&2
.venv/bin/python -m venv --clear "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check --no-input --quiet install --no-deps --require-hashes \
    --only-binary :all: --requirement requirements/eda.txt
echo "$wanted" > "$stamp"
