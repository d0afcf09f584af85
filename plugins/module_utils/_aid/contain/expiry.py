# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An end that comes without the controller: a timer on the host, there as long as a measure is.

It looks every half minute, also after a reboot, and runs a program that holds nothing but the code of undo.py.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import io
import os
import pkgutil
import sys
import zipfile

from ansible_collections.mailops.triage.plugins.module_utils import _run, _text
from ansible_collections.mailops.triage.plugins.module_utils._aid import journal, marker, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import (
    dovecot,
    here,
    holds,
    jail,
    names,
    nft,
    queuefile,
    settings,
    undo,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet import drain, mark, monit
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

_PARTS = (
    *(_run, _text, journal, marker, state),
    *(dovecot, here, holds, jail, names, nft, queuefile, settings, undo),
    *(drain, mark, monit),
    procfs,
)
_SERVICE = """\
# Written by mailops.triage, and taken away again by it.
[Unit]
Description=End the measures of mailops.triage whose time is over

[Service]
ExecStart={python} {program} {folder}
"""
_TIMER = """\
# Written by mailops.triage, and taken away again by it.
[Unit]
Description=Look for measures of mailops.triage whose time is over

[Timer]
OnActiveSec=30s
OnUnitInactiveSec=30s
AccuracySec=5s

[Install]
WantedBy=timers.target
"""


def program(parts=_PARTS, main=undo):
    """The program as the bytes of a zip archive that Python runs.

    :param parts: the modules that it is made of
    :param main: the one whose main() it calls with sys.argv
    :raises OSError: when the code cannot be found
    """
    target, folders = io.BytesIO(), set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            package, _dot, name = part.__name__.rpartition(".")
            source = pkgutil.get_data(package, name + ".py")
            if source is None:
                raise OSError("the code of {0} cannot be read".format(part.__name__))
            _put(archive, part.__name__.replace(".", "/") + ".py", source)
            pieces = package.split(".")
            folders.update("/".join(pieces[: count + 1]) for count in range(len(pieces)))
        for folder in sorted(folders):
            _put(archive, folder + "/__init__.py", b"")
        call = "import sys\nfrom {0} import main\nsys.exit(main(sys.argv))\n".format(main.__name__)
        _put(archive, "__main__.py", call)
    return target.getvalue()


def _put(archive, name, content):
    """One member, without the time of day: the same code is the same bytes."""
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def check(host):
    """Why no end could be given to a measure here, or an empty text."""
    if not host.has("systemctl") or not os.path.isdir("/run/systemd/system"):
        return "there is no systemd to end the measure when its time is over"
    return ""


def install(host):
    """Have the timer look; done again it changes nothing.

    :raises here.Failed: when that cannot be had
    """
    folder = host.etc + "/systemd/system/"
    texts = {
        ".service": _SERVICE.format(
            python=sys.executable or "/usr/bin/python3", program=host.kept(undo.PROGRAM), folder=host.folder
        ),
        ".timer": _TIMER,
    }
    host.keep(undo.PROGRAM, program())
    changed = False
    for kind in sorted(texts):
        path = folder + undo.UNIT + kind
        if _content(path) != texts[kind]:
            try:
                here.replace(path, texts[kind].encode("utf-8"), 0o644)
            except OSError as error:
                raise here.Failed("{0}: {1}".format(path, error.strerror or error)) from error
            changed = True
    if changed:
        host.must(["systemctl", "daemon-reload"])
    host.must(["systemctl", "enable", "--now", "--quiet", undo.UNIT + ".timer"])


def _content(path):
    try:
        with open(path, "r") as stream:
            return stream.read()
    except OSError:
        return None
