# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the parts of one run lie: C(PARTS/RUN/part-ID), each a report directory like any other.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import platform
import re
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._slices import awx

Document = dict[str, t.Any]

PREFIX = "part-"
MERGED = "merged"
ARTIFACT = "mailops_triage"
"""What the report of an earlier job of the workflow left, by its name among the variables."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


class PlaceError(ValueError):
    """A name that no directory may have, or none at all; the message says what to do."""


def of_part(folder: str, run_name: str | None, expected: int | None, variables: Document, run_id: str) -> Document:
    """Where this run puts its part, and what it tells of itself.

    :param folder: the directory that all parts of all runs share
    :param run_name: what the parts of this run have in common; in a workflow of AWX the number of its job will do
    :param expected: how many parts there shall be, where that is known
    :param variables: of the play, not templated
    :returns: C(run), C(id), C(path), C(expected) and C(node), which is the machine that this runs on
    :raises PlaceError: when the name cannot be one
    """
    name = _checked(run_name) or _of_awx(variables, "workflow_job_id") or _of_awx(variables, "job_id") or run_id
    own = f"{PREFIX}{awx.told(variables, 'job_id') or run_id}"
    path = Path(folder).absolute() / name / own
    node = awx.told(variables, "execution_node") or clean(platform.node(), 200)
    return {"run": name, "id": own, "path": str(path), "expected": expected, "node": node}


def of_run(folder: str, run_name: str | None, variables: Document) -> Path:
    """Where the parts of a run lie that is to be merged.

    A sliced job template is a workflow of its own within the workflow. So a job after it knows the parts not by the
    workflow's number, but by what the last slice left.

    :param variables: of the play, not templated
    :raises PlaceError: when nothing names the run, or its parts are not there
    """
    shared = Path(folder).absolute()
    name = _checked(run_name) or _left(shared, variables.get(ARTIFACT)) or _of_awx(variables, "workflow_job_id")
    if not name:
        raise PlaceError("name the run whose parts shall be merged with -e triage_run_name=NAME")
    if not (shared / name).is_dir():
        raise PlaceError(f"{shared / name}: no part of the run '{name}' has come here; there is no such directory")
    return shared / name


def _left(shared: Path, artifact: t.Any) -> str:
    """The run that the artifact of an earlier job names, where that is one of ours."""
    told = artifact.get("report_dir") if isinstance(artifact, dict) else None
    if not isinstance(told, str):
        return ""
    path = Path(told)
    ours = path.name.startswith(PREFIX) and path.parent.parent == shared
    return path.parent.name if ours and _NAME.match(path.parent.name) else ""


def _of_awx(variables: Document, name: str) -> str:
    number = awx.told(variables, name)
    return _checked(f"awx-{number}") if number else ""


def _checked(name: str | None) -> str:
    if not name:
        return ""
    if not _NAME.match(name):
        raise PlaceError(
            f"triage_run_name: '{clean(name, 60)}' cannot be the name of a directory; use letters, digits, '.', '_'"
            " and '-', at most 100, and begin with a letter or a digit"
        )
    return name
