#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what the tests of out-of-band hardware need and nothing else does: the Redfish emulator into
# .venv-emulators/, and the collection community.general beside the ansible-core in .venv/. The lab calls it by itself.

set -eu
cd "$(dirname "$0")/.."
venv=.venv-emulators
stamp=$venv/stamp
wanted=$(cat requirements/emulators.txt requirements/collections.txt "$0" | cksum)
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

up_to_date() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -d "$site/ansible_collections/community/general" ]; }

if up_to_date; then exit 0; fi
exec 9< requirements/emulators.txt
flock 9
if up_to_date; then exit 0; fi

echo "Installing the emulators of server hardware into $venv ..." >&2
.venv/bin/python -m venv --clear "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input --quiet"
$pip install --no-deps --require-hashes --only-binary :all: --requirement requirements/emulators.txt
if [ ! -d "$site/ansible_collections/community/general" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    $pip download --no-deps --require-hashes --dest "$folder" --requirement requirements/collections.txt
    .venv/bin/python - "$folder"/ansible-*.whl "$site" <<'SCRIPT'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = [name for name in wheel.namelist() if name.startswith("ansible_collections/community/general/")]
    wheel.extractall(sys.argv[2], names)
SCRIPT
fi
echo "$wanted" > "$stamp"
