# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.night_record): one step of one host into the ledger of the night, at once."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe
from ansible_collections.mailops.triage.plugins.plugin_utils._night import answers, ledger, progress
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError, host_file

display = Display()

_SPEC: dict[str, t.Any] = {
    "night_dir": {"type": "str", "required": True},
    "step": {"type": "str", "choices": list(progress.STEPS), "required": True},
    "answer_of": {"type": "str"},
    "others_of": {"type": "str"},
    "begun": {"type": "float"},
    "required": {"type": "bool", "default": True},
    "reboot": {"type": "str", "choices": ["never", "required"], "default": "required"},
}


class ActionModule(ActionBase):
    """Record one step of one host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with what comes next; fail where nothing may, so that the host takes its way back."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        task_vars = task_vars or {}
        host: str = task_vars["inventory_hostname"]
        check, now = bool(self._task.check_mode), time.time()
        # Taken as it is: an option of this task would be templated, and the host's words must not be.
        answer = task_vars.get(options["answer_of"]) if options["answer_of"] else {"changed": True}
        if options["others_of"]:
            answer = answers.merged(answer, task_vars.get(options["others_of"]))
        try:
            with ledger.Ledger(options["night_dir"]).change() as night:
                if host not in night["hosts"]:
                    raise AnsibleActionFail(f"{options['night_dir']}: the night was planned without '{host}'")
                document = night["hosts"][host]
                if options["step"] in ("closed", "freed"):
                    if options["step"] == "freed":
                        progress.free(night, host)
                    elif not check:
                        progress.close(night, host, now)
                    entry = {"step": options["step"], "state": document["state"], "code": document["code"]}
                    entry["why"] = document["why"]
                    good = document["state"] in ("done", "planned")
                else:
                    entry = answers.step(options["step"], answer, options["begun"] or now, now, check)
                    good = progress.enter(night, host, entry, answer, now, check)
                _batch_ended(night, now)
                night["runner"]["seen"] = now
        except RecordingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        self._say(host, entry)
        outcome = document["outcome"] or {}
        daemons = [{"service": unit, "how": "restart"} for unit in outcome.get("restarts") or []]
        if options["step"] == "rolled_back":
            # What the broken packages have ended does not run on replaced files: it does not run.
            daemons += [{"service": unit, "how": "start"} for unit in _ran_before(document)]
        rebooting = options["reboot"] != "never" and bool((outcome.get("reboot") or {}).get("required"))
        result.update(
            changed=False,
            good=good,
            state=entry["state"],
            code=entry["code"],
            host_state=document["state"],
            daemons=daemons,
            reboot=rebooting,
        )
        if not good and options["required"] and options["step"] not in ("listed", "downloaded", "freed", "closed"):
            result.update(failed=True, msg=f"{host}: {progress.said(entry)}")
        return result

    def _say(self, host: str, entry: dict[str, t.Any]) -> None:
        """One line for who watches; what was nothing to do says nothing."""
        if entry["state"] in ("nothing", "skipped") or entry["step"] == "listed" and entry["state"] in answers.GOOD:
            return
        why = f": {_safe.inert(entry['why'], 300)}" if entry["why"] else ""
        display.display(f"{host}: {entry['step']}: {entry['state']}{why}")


def _ran_before(host: dict[str, t.Any]) -> list[str]:
    """Units of the mail system that ran when the host was looked at before; what others lean on comes first."""
    look = host["before"]
    try:
        facts = Recording(look["look"]).read(host_file(look["name"]))["facts"]["services"] if look else {}
    except (RecordingError, KeyError, TypeError):
        return []
    parts = [facts.get("resolver"), *(facts.get("others") or []), facts.get("mda"), facts.get("mta")]
    return [part["unit"] for part in parts if part and (part.get("unit_state") or {}).get("active") == "active"]


def _batch_ended(night: dict[str, t.Any], now: float) -> None:
    """Note when the last host of a batch has come to its end."""
    for batch in night["batches"]:
        over = all(night["hosts"][name]["state"] in ledger.CLOSED for name in batch["hosts"])
        if over and batch["began"] is not None and batch["ended"] is None:
            batch["ended"] = round(now, 3)
