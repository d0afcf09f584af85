# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.ticket_answer): what was found and done, as a comment in the ticket."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import inert, mapping
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import (
    BEFORE,
    REPORT,
    Recording,
    RecordingError,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import render, systems, told
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import AddressError, address
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.client import Patience
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import STAGES
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.outbox import Outbox
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.post import Post
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.words import LANGUAGES

display = Display()

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "path", "required": True},
    "stage": {"type": "str", "choices": list(STAGES), "default": STAGES[0]},
    "system": {"type": "str"},
    "url": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "headers": {"type": "dict", "no_log": True},
    "ca_path": {"type": "path"},
    "language": {"type": "str", "choices": list(LANGUAGES)},
    "approve": {"type": "str"},
    "report_url": {"type": "str"},
    "change_state": {"type": "bool", "default": True},
    "outbox_dir": {"type": "path"},
    "timeout": {"type": "float", "default": 15.0},
    "retries": {"type": "int", "default": 3},
    "rules_dirs": {"type": "list", "elements": "path", "default": []},
}
_TICKET = "ticket.json"
_OUTBOX = "ticket-outbox"
_SECRETS = (
    "ansible_password",
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_become_password",
    "ansible_become_pass",
    "mail_hardware",
    "triage_probe_account",
)
"""Variables of a host that hold a password, or have one somewhere within."""
_SECRET_PARTS = ("password", "pass", "token", "secret")


class ActionModule(ActionBase):
    """Answer the ticket of a run."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with what became of the comment; a ticket system that fails never fails the run."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        recording = Recording(options["report_dir"])
        try:
            report = recording.read(REPORT)
            event = _event(recording, report, options["system"])
            before = _before(recording)
            known = systems.load([ROOT / "rules", *(Path(name) for name in options["rules_dirs"])])
        except (RecordingError, RuleError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        name, ticket = str(event.get("system") or ""), str(event.get("id") or "")
        result.update(
            changed=False,
            outcome="nothing",
            why="",
            comment="",
            state="",
            ticket={"system": inert(name, 60), "id": inert(ticket, 120), "url": inert(event.get("url"), 300)},
            needs_approval=told.needs_approval(report),
            delivered_before=0,
            kept=0,
        )
        if name and name not in known:
            there = ", ".join(known)
            raise AnsibleActionFail(f"ticket_system: there is no ticket system '{inert(name, 60)}'; there are: {there}")
        answer = known[name].answer if name else None
        if answer is None or not ticket or not options["url"]:
            result["why"] = _no_way(known[name].title if name else "", ticket, answer is not None)
            return result
        try:
            where = address(
                options["url"],
                **{key: options[key] for key in ("token", "user", "password", "headers", "ca_path", "timeout")},
            )
        except AddressError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        hide = where.hide()
        hide.add(*self._secrets(report, task_vars or {}))
        text = render.content(
            report,
            before,
            options["stage"],
            event,
            answer,
            language=options["language"] or _language(event),
            approve=options["approve"] or "",
            url=options["report_url"] or "",
            hide=hide,
        )
        state = _state(options["stage"], report) if options["change_state"] else ""
        letter = render.letter(text, answer, name, ticket, report, options["stage"], state, time.time())
        post = Post(
            answer,
            where,
            Outbox(options["outbox_dir"] or recording.path.resolve().parent / _OUTBOX),
            Patience(retries=max(0, options["retries"])),
        )
        if where.plain:
            display.warning(
                "ticket_url begins with http: what goes to the ticket system is not encrypted, login included"
            )
        sent = post.send(letter, check=bool(self._task.check_mode))
        for warning in sent.warnings:
            display.warning(hide(warning))
        result.update(
            changed=sent.changed,
            outcome=sent.outcome,
            why=hide(sent.why),
            comment=letter.comment,
            state=state if sent.state else "",
            delivered_before=sent.delivered_before,
            kept=sent.kept,
        )
        if self._task.diff and sent.outcome != "unchanged":
            result["diff"] = {
                "before": hide(sent.before),
                "after": letter.comment,
                "before_header": f"ticket {inert(ticket, 60)}",
                "after_header": f"ticket {inert(ticket, 60)}, {options['stage']}",
            }
        return result

    def _secrets(self, report: dict[str, t.Any], variables: dict[str, t.Any]) -> list[str]:
        """Passwords that the inventory and the play know, wherever a host may have written them down."""
        found = _strings(self._template(variables.get("triage_probe_account")))
        hostvars = variables.get("hostvars")
        if hostvars is None:
            return found
        reader = _hostvars.Reader(variables, self._templar)
        for host in mapping(report.get("hosts")):
            if host in hostvars:
                try:
                    values = reader.read(host, _SECRETS)
                except AnsibleError:
                    # A variable that cannot be templated held nothing that anybody could have used.
                    continue
                for value in values.values():
                    found += _strings(value)
        return found

    def _template(self, value: t.Any) -> t.Any:
        try:
            return self._templar.template(value)
        except AnsibleError:
            return None


def _strings(value: t.Any, secret: bool = True) -> list[str]:
    """The secrets within a variable: itself when it is a text, the parts with a telling name when it is a mapping."""
    if isinstance(value, str):
        return [str(value)] if secret else []
    if not isinstance(value, t.Mapping):
        return []
    found = []
    for key, item in value.items():
        found += _strings(item, any(part in str(key).lower() for part in _SECRET_PARTS))
    return found


def _event(recording: Recording, report: dict[str, t.Any], system: str | None) -> dict[str, t.Any]:
    """The ticket: what the intake kept, else what the run was given."""
    event = recording.read(_TICKET) if (recording.path / _TICKET).exists() else {}
    if system:
        event["system"] = system
    if not event.get("id"):
        event["id"] = mapping(report.get("run")).get("ticket")
    return event


def _before(recording: Recording) -> dict[str, t.Any] | None:
    """The first diagnosis of a run that did something."""
    name = f"{BEFORE}/{REPORT}"
    return recording.read(name) if (recording.path / name).exists() else None


def _no_way(title: str, ticket: str, answerable: bool) -> str:
    """Why nothing is sent."""
    if not ticket:
        return "no ticket asked for this run"
    if not title:
        return "the ticket names no system: set ticket_system"
    return f"{title} has no way back" if not answerable else "ticket_url is not set"


def _language(event: t.Mapping[str, t.Any]) -> str:
    language = event.get("language")
    return str(language) if language in LANGUAGES else LANGUAGES[0]


def _state(stage: str, report: dict[str, t.Any]) -> str:
    """The state that the ticket shall have: a ticket is closed only when remedies have brought every host back."""
    if stage == STAGES[0]:
        return "diagnosed"
    return "resolved" if told.mended(report) else ""
