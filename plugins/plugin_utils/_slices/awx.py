# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of AWX knows of itself: its number, its workflow, and whether it is a slice.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

AWX tells a slice neither its number nor how many there are; it only cuts the inventory. But it runs the slices of a job
template as a workflow job, to which it gives the template's own name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole

_PREFIXES = ("awx", "tower")


def told(variables: t.Mapping[str, t.Any], name: str) -> str:
    """One of the variables that AWX gives each job, under either of its two names; empty where there is none.

    :param variables: of the play, not templated
    :param name: without prefix, such as C(workflow_job_id)
    """
    for prefix in _PREFIXES:
        value = variables.get(f"{prefix}_{name}")
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return clean(value, 200)
    return ""


def a_slice(variables: t.Mapping[str, t.Any]) -> str:
    """By what this job shows that it sees only a slice of its inventory, or an empty text."""
    count = told(variables, "job_slice_count")
    if (whole(count) or 0) > 1:
        return f"it is one of {count} slices"
    name = told(variables, "workflow_job_name")
    if name and name == told(variables, "job_template_name"):
        return f"its workflow job bears the name of its own job template, '{name}', as AWX names what it slices"
    return ""
