# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the monitoring: figures for Prometheus, results for Nagios and its kin.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

That nobody could be told must not cost the report: what goes wrong here is a warning.
"""

from __future__ import annotations

import os
import stat
import tempfile
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils import _nagios
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import openmetrics

OPTIONS: dict[str, t.Any] = {"metrics_file": {"type": "path"}, "nagios_file": {"type": "path"}}


def tell(report: Mapping[str, t.Any], options: Mapping[str, t.Any]) -> list[str]:
    """Write what the options ask for.

    :param report: a C(mailops.triage/report/1) document
    :param options: C(metrics_file) and C(nagios_file), each a path or None
    :returns: what went wrong, in one sentence each
    """
    wrong = []
    for name, content in (
        ("metrics_file", lambda: [openmetrics.render(report)]),
        ("nagios_file", lambda: _nagios.passive(report)),
    ):
        if options[name]:
            try:
                _write(Path(options[name]), content())
            except OSError as exc:
                wrong.append(f"triage_{name} {options[name]} could not be written: {exc.strerror or exc}")
    return wrong


def _write(target: Path, pieces: Iterable[str]) -> None:
    """Replace a file whole, readable by everybody; a named pipe gets the pieces one by one."""
    try:
        pipe = stat.S_ISFIFO(target.stat().st_mode)
    except FileNotFoundError:
        pipe = False
    if pipe:
        _pass_on(target, pieces)
        return
    # No reader takes a draft for the file: node_exporter reads *.prom, and no hidden ones.
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("".join(pieces))
        os.chmod(draft, 0o644)
        os.replace(draft, target)
    except OSError:
        os.unlink(draft)
        raise


def _pass_on(pipe: Path, pieces: Iterable[str]) -> None:
    """Write to a pipe that somebody reads; wait for nobody, for Nagios may be down."""
    handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    try:
        for piece in pieces:
            os.write(handle, piece.encode("utf-8"))
    finally:
        os.close(handle)
