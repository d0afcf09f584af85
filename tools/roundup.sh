#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the ticket system Roundup into .venv-roundup/, from its lock. The tests of tickets call it by themselves.

set -eu
cd "$(dirname "$0")/.."
venv=.venv-roundup
stamp=$venv/stamp
wanted=$(cat requirements/roundup.txt "$0" | cksum)

up_to_date() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; }

if up_to_date; then exit 0; fi
exec 9< requirements/roundup.txt
flock 9
if up_to_date; then exit 0; fi

echo "Installing Roundup into $venv ..." >&2
.venv/bin/python -m venv --clear "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input --quiet"
lock=$(mktemp)
trap 'rm -f "$lock"' EXIT
# There is no wheel of Roundup. It is built by the setuptools of the lock, and not by whatever is the newest today.
sed -n '/^setuptools==/,$p' requirements/roundup.txt > "$lock"
$pip install --no-deps --require-hashes --only-binary :all: --requirement "$lock"
sed '/^setuptools==/,$d' requirements/roundup.txt > "$lock"
$pip install --no-deps --require-hashes --no-build-isolation --requirement "$lock"
echo "$wanted" > "$stamp"
