# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.examine): one login, one Python start, all facts of a host into the recording.

A host that cannot be logged into is an observation, never an C(UNREACHABLE) that ends its part of the play.
"""

from __future__ import annotations

import contextlib
import copy
import os
import shlex
import signal
import sys
import time
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils import _bundle
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import hardware, protocols
from ansible_collections.mailops.triage.plugins.plugin_utils._outofband import answer, ask
from ansible_collections.mailops.triage.plugins.plugin_utils._processes import end_children
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import PLAN, Recording, RecordingError

display = Display()

_INVENTORY = ("mail_roles", "mail_site", "mail_redundancy_group", "mail_maintenance", "mail_hardware")
_JUMPS = ("ProxyJump", "ProxyCommand", "-J")
_GRACE = 12.0
"""Seconds for login and Python beyond the collectors' own budget."""


class _Overdue(Exception):
    """The host let us in and then did not come back."""


class ActionModule(ActionBase):
    """Examine one host."""

    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the login's outcome and the name of the facts file."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        # This runs once per host: even the validation of an argument specification would be felt.
        if set(self._task.args) != {"report_dir"}:
            raise AnsibleActionFail("examine takes exactly one option: report_dir, as mailops.triage.sweep returned it")
        host: str = task_vars["inventory_hostname"]
        recording = Recording(self._task.args["report_dir"])
        inventory = {name: self._value(task_vars.get(name)) for name in _INVENTORY}
        inventory["address"] = self._value(task_vars.get("ansible_host")) or host
        begun = time.monotonic()
        try:
            plan = recording.read(PLAN)
            known = plan["hosts"].get(host, {})
            login, facts = self._look(plan["options"], known, task_vars)
            login.update(seconds=round(time.monotonic() - begun, 2), transport=self._connection.transport)
            record = {"host": host, "inventory": inventory, "login": login, "facts": facts}
            if known.get("dark"):
                record["oob"] = self._out_of_band(known["dark"], inventory["mail_hardware"], task_vars)
            inventory["mail_hardware"] = hardware.public(inventory["mail_hardware"])
            name = recording.write_host(host, record)
        except RecordingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if login["outcome"] != "ok":
            display.display(f"{host}: {login['text']}; judged from outside")
        result.update(changed=False, login=login["outcome"], facts_file=name)
        return result

    def _value(self, value: t.Any) -> t.Any:
        return value if value is None or isinstance(value, bool) else self._templar.template(value)

    def _look(
        self, options: dict[str, t.Any], known: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> tuple[dict[str, t.Any], dict[str, t.Any] | None]:
        """Log in, or say why not.

        :param options: of the collectors, as the sweep was told
        :param known: what the sweep saw of this host
        """
        ssh = known.get("ssh", "unknown")
        if ssh not in ("ok", "unknown") and self._direct():
            # The sweep has just waited for this port in vain; waiting for it again would tell nothing new.
            return {"outcome": "skipped", "text": f"ssh does not answer ({ssh})"}, None
        # What a user reported, and where the vantage points come from: either may be on a list of banned addresses.
        addresses = [*(options.get("addresses") or []), *known.get("sources", [])]
        arguments = {**options, "services": known.get("failing"), "addresses": addresses}
        subsets = arguments.pop("gather_subset")
        try:
            with _alarm(options["time_budget"] + _GRACE):
                if getattr(self._connection, "has_pipelining", False):
                    return self._straight(subsets, arguments, task_vars)
                return self._by_module(subsets, arguments, task_vars)
        except _Overdue:
            return {"outcome": "timeout", "text": "the login worked, but the examination did not come back"}, None
        except AnsibleAuthenticationFailure as exc:
            return {"outcome": "auth", "text": clean(exc)}, None
        except AnsibleConnectionFailure as exc:
            text = clean(exc)
            refused = "Permission denied" in text or "Authentication failed" in text
            return {"outcome": "auth" if refused else "unreachable", "text": text}, None
        except AnsibleError as exc:
            return {"outcome": "failed", "text": clean(exc)}, None

    def _out_of_band(self, dark: str, given: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Ask the BMC of a host that answers nobody.

        :param dark: C(ask), or why it shall not be asked
        """
        found = answer.nothing("" if dark == "ask" else dark)
        if dark == "ask":
            finder = self._shared_loader_obj.module_loader
            try:
                with _alarm(ask.BUDGET):
                    ask.ask(
                        given,
                        found,
                        call=lambda name, arguments: self._here(name, arguments, task_vars),
                        known=lambda name: bool(finder.find_plugin_with_context(name).resolved),
                    )
            except _Overdue:
                found["reason"] = f"the BMC did not come to an end within {ask.BUDGET:g} s"
            except AnsibleError as exc:
                found["reason"] = clean(exc)
        return found

    def _here(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run a module on the controller, whatever connection and user the host has."""
        context = self._play_context.copy()
        context.become = False
        connection = connection_loader.get("local", context, os.devnull)
        connection.set_options(direct={})
        here = copy.copy(self)
        here._connection, here._play_context = connection, context
        local = {**task_vars, "ansible_python_interpreter": sys.executable, "ansible_connection": "local"}
        done: dict[str, t.Any] = here._execute_module(module_name=name, module_args=arguments, task_vars=local)
        return done

    def _direct(self) -> bool:
        """Does the login go to the very port that the sweep tried? Not over a jump host, nor by another transport."""
        if self._connection.transport not in protocols.SSH_TRANSPORTS:
            return False
        spoken = " ".join(
            str(self._connection.get_option(name) or "")
            for name in ("ssh_args", "ssh_common_args", "ssh_extra_args")
            if self._connection.has_option(name)
        )
        return not any(word in spoken for word in _JUMPS)

    def _straight(
        self, subsets: list[str], arguments: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> tuple[dict[str, t.Any], dict[str, t.Any] | None]:
        """Send the collectors to C(python3 -): half the cost of a module for host and controller."""
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter")) or ""
        preferred = shlex.quote(interpreter) if interpreter and not interpreter.startswith("auto") else ""
        script = _bundle.script("_collect", "collect", subsets, arguments)
        done = self._low_level_execute_command(_bundle.command(preferred), in_data=script, sudoable=True)
        try:
            return {"outcome": "ok", "text": ""}, _bundle.answer(done["stdout"])
        except _bundle.BundleError as exc:
            said = clean((done.get("stderr") or done.get("stdout") or "")[-600:], 240) or f"exit status {done['rc']}"
            if done["rc"] == 127 and "no Python 3" in said:
                return {"outcome": "no_python", "text": "there is no Python 3 on the host"}, None
            return {"outcome": "failed", "text": f"{exc}: {said}"}, None

    def _by_module(
        self, subsets: list[str], arguments: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> tuple[dict[str, t.Any], dict[str, t.Any] | None]:
        done = self._execute_module(
            module_name="mailops.triage.mail_facts",
            module_args={"gather_subset": subsets, **arguments},
            task_vars=task_vars,
        )
        if done.get("failed"):
            return {"outcome": "failed", "text": clean(done.get("msg", "the module failed"))}, None
        return {"outcome": "ok", "text": ""}, done["ansible_facts"]["mail_facts"]


@contextlib.contextmanager
def _alarm(seconds: float) -> t.Iterator[None]:
    """Raise _Overdue in the block when the time is up."""

    def overdue(number: int, frame: t.Any) -> t.NoReturn:
        end_children()
        raise _Overdue

    before = signal.signal(signal.SIGALRM, overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
