# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.watch): probe again and again, to prove remedies or to see what falls over."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _screen, _targets, _vantage
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.protocols import UnknownRoleError
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import terminal_watch
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import proof, store
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy.tracker import Tracker

display = Display()

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "str"},
    "patience": {"type": "float", "default": 0.0},
    "seconds": {"type": "float", "default": 0.0},
    **_targets.OPTIONS,
}
_SLICE_S = 0.5
_PROVING_PAUSE_S = 2.0


class _Orphaned(Exception):
    """The run that asked for this is gone."""


class ActionModule(ActionBase):
    """Watch the hosts of the play, all at the same time."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with what was proved and with the outages that were seen."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        task_vars = task_vars or {}
        reader = _hostvars.Reader(task_vars, self._templar)
        self._parent = os.getppid()
        self._probe = {key: options[key] for key in ("timeout", "deadline", "account")} | {"ping": False}
        recording = Recording(options["report_dir"]) if options["report_dir"] else None
        everybody: list[str] = task_vars["ansible_play_hosts_all"]
        try:
            self._points = _targets.points(options["vantage_points"], task_vars, reader)
            told = _deeds(store.all_actions(recording, everybody)) if recording else {}
            done = {host: [one for one in actions if one["state"] == "done"] for host, actions in told.items()}
            proofs = store.read(recording, store.PROOFS) if recording else {}
            result.update(changed=False, acted=_count(told), proved=0, seconds=0.0, hosts={})
            hosts = everybody if not recording else [host for host in everybody if done.get(host)]
            self._targets = [_targets.target(host, reader) for host in hosts]
            if hosts and options["patience"] > 0:
                result["proved"] = self._prove(done, proofs, options["patience"])
            # There is nothing to be watched on a host that has not come back.
            hosts = [host for host in hosts if not recording or any(_hopeful(one, proofs, host) for one in done[host])]
            if hosts and options["seconds"] > 0:
                result.update(self._watch(hosts, done, proofs, options["seconds"]))
            if recording and hosts:
                recording.write(store.PROOFS, proofs)
        except (_targets.TargetError, UnknownRoleError, RecordingError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        except _Orphaned as exc:
            raise AnsibleActionFail("the run that asked for this watch is gone") from exc
        return result

    def _look(self, tracker: Tracker, hosts: t.Collection[str]) -> float:
        """Sweep the hosts once from everywhere; answers with when that was."""
        targets = [target for target in self._targets if target["name"] in hosts]
        views = _vantage.from_everywhere(self._points, targets, self._probe, self._play_context)
        at = time.time()
        tracker.see(at, views)
        return at

    def _rest(self, seconds: float, until: float) -> None:
        """Wait, and notice when nobody waits for the answer any more.

        :raises _Orphaned: then
        """
        end = min(time.monotonic() + seconds, until)
        while time.monotonic() < end:
            if os.getppid() != self._parent:
                raise _Orphaned
            time.sleep(max(0.0, min(_SLICE_S, end - time.monotonic())))

    def _prove(self, done: dict[str, list[dict[str, t.Any]]], proofs: dict[str, t.Any], patience: float) -> int:
        """Wait for each remedy until its probes are well again; answers with how many are."""
        tracker = Tracker()
        until = time.monotonic() + patience
        waiting = [
            (host, action)
            for host, actions in done.items()
            for action in actions
            if action["probes"] and not action["proof"]
        ]
        proved = sum(not action["probes"] for actions in done.values() for action in actions)
        while waiting:
            self._look(tracker, {host for host, dummy in waiting})
            left = []
            for host, action in waiting:
                found = proof.prove(action, tracker, host)
                if found is None and time.monotonic() >= until:
                    found = proof.not_healed(action, patience)
                if found is None:
                    left.append((host, action))
                    continue
                _items(proofs, host)[action["key"]] = found
                proved += found["state"] == "proved"
                display.display(f"{host}: {terminal_watch.said(action, found)}")
            waiting = left
            if waiting:
                self._rest(_PROVING_PAUSE_S, until)
        return proved

    def _watch(
        self,
        hosts: list[str],
        done: dict[str, list[dict[str, t.Any]]],
        proofs: dict[str, t.Any],
        seconds: float,
    ) -> dict[str, t.Any]:
        """Look at the hosts for a while; what was proved and falls over again is caught."""
        tracker = Tracker()
        began, until = time.time(), time.monotonic() + seconds
        display.display(f"Watching {len(hosts)} hosts for {seconds:.0f} s ...")
        self._look(tracker, hosts)
        while time.monotonic() < until:
            self._rest(tracker.pause(), until)
            self._look(tracker, hosts)
        ended = time.time()
        for host, actions in done.items():
            for action in actions:
                found = _items(proofs, host).get(action["key"])
                if found and found["state"] == "proved":
                    found = proof.watched(found, action, tracker, host, ended - began)
                    _items(proofs, host)[action["key"]] = found
                    if found["state"] == "relapsed":
                        display.display(f"{host}: {terminal_watch.said(action, found)}")
        seen = {
            host: {"outages": tracker.outages(host), "downtime": tracker.downtime(host, ended)}
            for host in hosts
            if tracker.outages(host)
        }
        watch = {"began": round(began, 3), "seconds": round(ended - began, 1), "looks": tracker.looks, "hosts": seen}
        proofs["watch"] = watch
        display.display(terminal_watch.render(watch, hosts, **_screen.manner()))
        return {"seconds": watch["seconds"], "hosts": seen}


def _deeds(told: dict[str, list[dict[str, t.Any]]]) -> dict[str, list[dict[str, t.Any]]]:
    """What was done to hosts: a message to people is none."""
    return {host: [one for one in actions if one["action"] != "escalate"] for host, actions in told.items()}


def _count(told: dict[str, list[dict[str, t.Any]]]) -> int:
    """How many hosts something was done to, well or not."""
    return sum(any(one["state"] in ("done", "failed") for one in actions) for actions in told.values())


def _hopeful(action: dict[str, t.Any], proofs: dict[str, t.Any], host: str) -> bool:
    """Is this one that works again, or that only a diagnosis can prove?"""
    found = _items(proofs, host).get(action["key"])
    return not action["probes"] or found is not None and found["state"] == "proved"


def _items(proofs: dict[str, t.Any], host: str) -> dict[str, t.Any]:
    found: dict[str, t.Any] = proofs.setdefault("hosts", {}).setdefault(host, {}).setdefault("items", {})
    return found
