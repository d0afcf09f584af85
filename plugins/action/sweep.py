# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.sweep): begin a run, and probe every host from every vantage point."""

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

from ansible import __version__ as ansible_version
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _notify, _targets, _vantage
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.document import SUBSETS
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import SEVERITIES, RuleError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.reported import ReportedError, taken_in
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import (
    PLAN,
    TICKET,
    Recording,
    RecordingError,
    new_run_id,
    report_directory,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._slices import place
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import event as events
from ansible_collections.mailops.triage.plugins.plugin_utils._versions import versions

display = Display()

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "str"},
    "parts_dir": {"type": "str"},
    "run_name": {"type": "str"},
    "parts_count": {"type": "int"},
    "continues": {"type": "str"},
    "hosts": {"type": "list", "elements": "str"},
    **_targets.OPTIONS,
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
    "time_budget": {"type": "float", "default": 20.0},
    "log_window": {"type": "int", "default": 86400},
    "ticket_file": {"type": "str"},
    # Not used here, but checked: a run must not end in a typo after all the work is done.
    "rules_dirs": {"type": "list", "elements": "str", "default": []},
    "fail_on": {"type": "str", "choices": ["never", *SEVERITIES], "default": "never"},
    "notify": {**_notify.OPTION, "default": []},
}


class ActionModule(ActionBase):
    """Sweep the hosts of the play."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the report directory."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(
            argument_spec=_SPEC, mutually_exclusive=[("report_dir", "parts_dir")]
        )
        task_vars = task_vars or {}
        reader = _hostvars.Reader(task_vars, self._templar)
        started = time.time()
        _check(options)
        more: dict[str, t.Any] = {}
        hosts: list[str] = options["hosts"] or task_vars["ansible_play_hosts_all"]
        try:
            event = _event(options)
            run_id = event["run"] if event else new_run_id(started)
            if options["parts_dir"]:
                more["part"] = _part(options, task_vars, run_id)
            wanted = more["part"].pop("path") if more else options["report_dir"]
            recording = Recording(self._directory(wanted, options["ticket_file"], run_id))
            if options["continues"]:
                # Another look within the same run.
                first = Recording(options["continues"]).read("run.json")
                run_id = first["id"]
                more = {"continues": options["continues"], **{key: first[key] for key in ("part",) if key in first}}
            near = event["vantage_points"] if event else []
            points = _targets.points(options["vantage_points"] or near, task_vars, reader)
            targets = [_targets.target(host, reader) for host in hosts]
            told = self._reported(options["rules_dirs"], task_vars, points, event)
            recording.create()
            if event and not options["continues"]:
                recording.write(TICKET, event)
            display.display(f"Probing {len(targets)} hosts from {', '.join(points)} ...")
            probe = {key: options[key] for key in ("timeout", "deadline", "account")}
            seen = _vantage.from_everywhere(points, targets, {**probe, "ping": True}, self._play_context)
            for name, view in seen.items():
                if "error" in view:
                    display.warning(f"vantage point '{name}' cannot help ({view['error']}); the others still count")
            recording.write("sweep.json", {"vantages": seen})
            collectors = {name: options[name] for name in ("gather_subset", "time_budget", "log_window")}
            for kind in ("users", "addresses"):
                if told.get("affected", {}).get(kind):
                    collectors[kind] = told["affected"][kind]
            recording.write(PLAN, {"options": collectors, "hosts": _seen_of(seen, hosts)})
            recording.write(
                "run.json",
                {
                    "id": run_id,
                    "started": started,
                    "hosts": hosts,
                    "ticket": (event or {}).get("id") or events.named(task_vars) or None,
                    "limit": task_vars.get("ansible_limit"),
                    "check_mode": bool(self._task.check_mode),
                    "versions": versions(ansible_version),
                    **told,
                    **more,
                },
            )
        except (_targets.TargetError, protocols.UnknownRoleError, RecordingError, ReportedError, RuleError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        result.update(changed=False, report_dir=str(recording.path))
        return result

    def _directory(self, wanted: str | None, ticket_file: str | None, run_id: str) -> str:
        """Check mode leaves nothing behind: its recording lives in a temporary directory until it is reported."""
        if self._task.check_mode and ticket_file:
            # The event was written in check mode, too, and to such a directory.
            return str(Path(ticket_file).absolute().parent)
        return report_directory(wanted, run_id, bool(self._task.check_mode))

    def _reported(
        self,
        rules_dirs: list[str],
        task_vars: dict[str, t.Any],
        points: dict[str, dict[str, t.Any]],
        event: dict[str, t.Any] | None,
    ) -> dict[str, t.Any]:
        """What a user said, from the play's variables as they are: never an option, which would be templated."""
        directories = [ROOT / "rules", *(Path(name) for name in rules_dirs)]
        said = {"text": events.symptom(event), "affected": event["affected"]} if event else None
        return taken_in(task_vars, directories, task_vars["hostvars"], points, said)


def _event(options: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """The ticket or the alert that asked for the run, if one did.

    :raises RecordingError: when its file cannot be used
    """
    if options["ticket_file"]:
        return events.load(options["ticket_file"])
    return events.of_run(Recording(options["continues"])) if options["continues"] else None


def _part(options: dict[str, t.Any], task_vars: dict[str, t.Any], run_id: str) -> dict[str, t.Any]:
    """This run is one of several that look at a part of the fleet each.

    :raises AnsibleActionFail: when the name of the whole run cannot be one
    """
    try:
        return place.of_part(options["parts_dir"], options["run_name"], options["parts_count"], task_vars, run_id)
    except place.PlaceError as exc:
        raise AnsibleActionFail(str(exc)) from exc


def _check(options: dict[str, t.Any]) -> None:
    """What the argument specification cannot check.

    :raises AnsibleActionFail: naming the option
    """
    for directory in options["rules_dirs"]:
        if not os.path.isdir(directory):
            raise AnsibleActionFail(f"rules_dirs: {directory}: this directory of rules does not exist")
    try:
        _notify.check(options["notify"])
    except _notify.NotifyError as exc:
        raise AnsibleActionFail(str(exc)) from exc
    known = ("all", *SUBSETS)
    for name in options["gather_subset"]:
        if name.removeprefix("!") not in known:
            raise AnsibleActionFail(
                f"gather_subset: '{name}' is no subset; there are: {', '.join(known)}, each also with !"
            )


_NOTHING_SAID = ("timeout", "filtered", "no_banner")
_MOST_BMCS = 32


def _seen_of(seen: dict[str, t.Any], hosts: list[str]) -> dict[str, t.Any]:
    """For each host what its examination should know.

    C(ssh): how its ssh port answered the controller. C(failing): the mail protocols that failed from at least one
    vantage point, which are worth trying on the host itself; null when nobody could look. C(sources): the addresses
    that the vantage points come from, to be looked for in its lists of banned ones. C(dark), where no vantage point
    heard a single byte: C(ask) when its BMC should be asked, else why not.
    """
    found: dict[str, t.Any] = {}
    dark = []
    for host in hosts:
        views = [
            (name, view["hosts"][host]["services"]) for name, view in seen.items() if host in view.get("hosts", {})
        ]
        outcomes = [(name, service) for name, services in views for service in services]
        failing = {service["protocol"] for dummy, service in outcomes if service["outcome"] != "ok"} - {"ssh"}
        logins = [
            service["outcome"]
            for name, service in outcomes
            if name == _vantage.CONTROLLER and service["protocol"] == "ssh"
        ]
        found[host] = {
            "ssh": "ok" if "ok" in logins else logins[0] if logins else "unknown",
            "failing": sorted(failing) if outcomes else None,
            "sources": sorted(
                {view["hosts"][host].get("source") for view in seen.values() if host in view.get("hosts", {})} - {None}
            ),
        }
        if outcomes and all(service["outcome"] in _NOTHING_SAID for dummy, service in outcomes):
            dark.append(host)
    for number, host in enumerate(dark):
        # A network that fails makes everything dark; asking hundreds of BMCs would not make it any brighter.
        found[host]["dark"] = "ask" if number < _MOST_BMCS else f"not asked: {len(dark)} hosts are dark"
    return found
