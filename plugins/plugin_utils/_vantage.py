# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweeping the same targets from several vantage points at once.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A task delegated in a loop would visit the vantage points one after the other and add up their time-outs. Here each
has a thread: the controller probes in this very process, the others over their own Ansible connection.
"""

from __future__ import annotations

import concurrent.futures
import os
import shlex
import time
import typing as t

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import sweep
from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils import _bundle
from ansible_collections.mailops.triage.plugins.plugin_utils._processes import end_children

Document = dict[str, t.Any]

CONTROLLER = "controller"
"""Name of the vantage point that is always there."""

_GRACE = 15.0
"""Seconds that a vantage point gets beyond the probe's own deadline: login and start of Python."""


def from_controller(targets: list[Document], options: Document) -> Document:
    """Probe from this process."""
    return sweep(targets, {**options, "vantage": CONTROLLER})


def from_everywhere(
    points: dict[str, Document], targets: list[Document], options: Document, play_context: PlayContext
) -> dict[str, Document]:
    """Probe from all vantage points at the same time.

    :param points: for each vantage point its variables; the controller's are not looked at
    :returns: for each its probe result, or C(error) and C(status) (C(unreachable) or C(failed)) where it cannot
        help: the others still count
    """
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(points)))
    waiting = {
        name: pool.submit(from_controller, targets, options)
        if name == CONTROLLER
        else pool.submit(_remote, name, variables, targets, options, play_context)
        for name, variables in points.items()
    }
    # A vantage point that hangs must not hold up the others for longer than this.
    end = time.monotonic() + options["deadline"] + _GRACE
    found: dict[str, Document] = {}
    for name, future in waiting.items():
        try:
            found[name] = future.result(timeout=max(0.0, end - time.monotonic()))
        except concurrent.futures.TimeoutError:
            found[name] = {"status": "unreachable", "error": "it did not answer in time"}
        except AnsibleConnectionFailure as exc:
            found[name] = {"status": "unreachable", "error": clean(exc)}
        except (AnsibleError, _bundle.BundleError, OSError) as exc:
            found[name] = {"status": "failed", "error": clean(exc)}
    if not all(future.done() for future in waiting.values()):
        end_children()
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def _remote(
    name: str, variables: Document, targets: list[Document], options: Document, play_context: PlayContext
) -> Document:
    connection = connect(name, variables, play_context)
    try:
        script = _bundle.script("_probe.sweep", "sweep", targets, {**options, "vantage": name})
        interpreter = variables.get("ansible_python_interpreter") or ""
        preferred = "" if interpreter.startswith("auto") else shlex.quote(interpreter) if interpreter else ""
        line = "/bin/sh -c " + shlex.quote(_bundle.command(preferred))
        code, output, errors = connection.exec_command(line, in_data=script, sudoable=False)
    finally:
        connection.close()
    try:
        return t.cast(Document, _bundle.answer(output))
    except _bundle.BundleError as exc:
        last = clean(errors[-400:], 200) if errors else f"exit status {code}"
        raise _bundle.BundleError(f"{exc}: {last}") from exc


def connect(name: str, variables: Document, play_context: PlayContext) -> t.Any:
    """Open the connection that Ansible itself would use for a host.

    :param variables: the host's variables, templated
    """
    kind = variables.get("ansible_connection") or constants.DEFAULT_TRANSPORT
    if kind == "smart":
        kind = "ssh"
    context = play_context.copy()
    context.remote_addr = variables.get("ansible_host") or name
    connection = connection_loader.get(kind, context, os.devnull)
    if connection is None:
        raise AnsibleError(f"there is no connection plugin '{clean(kind, 60)}'")
    connection.set_options(var_options={"inventory_hostname": name, "ansible_host": context.remote_addr, **variables})
    return connection
