#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what the tests of AWX need and nothing else does into .venv-awx/: ansible-runner, ansible-builder, and the
# collection awx.awx in .venv-awx/collections/. The tests call it by themselves.

set -eu
cd "$(dirname "$0")/.."
venv=.venv-awx
stamp=$venv/stamp
wanted=$(cat requirements/awx.txt requirements/collections.txt "$0" | cksum)

up_to_date() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; }

if up_to_date; then exit 0; fi
exec 9< requirements/awx.txt
flock 9
if up_to_date; then exit 0; fi

echo "Installing ansible-runner, ansible-builder and awx.awx into $venv ..." >&2
.venv/bin/python -m venv --clear "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input --quiet"
$pip install --no-deps --require-hashes --only-binary :all: --requirement requirements/awx.txt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
$pip download --no-deps --require-hashes --dest "$folder" --requirement requirements/collections.txt
.venv/bin/python - "$folder"/ansible-*.whl "$venv/collections" <<'SCRIPT'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = [name for name in wheel.namelist() if name.startswith("ansible_collections/awx/awx/")]
    wheel.extractall(sys.argv[2], names)
SCRIPT
echo "$wanted" > "$stamp"
