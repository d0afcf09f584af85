# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one answer into a ticket: find our comment of the same run and stage, write or renew it, change the state.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Whatever fails on the way, the next try begins by looking for our comment again: an answer whose acknowledgement was
lost is not written twice.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers, marker
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import Address
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.exchange import Trouble, exchange
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import Letter

Values = dict[str, t.Any]

_MOST_COMMENTS = 5000
_LONGEST_PAUSE = 30.0


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to try.

    :ivar retries: how often to try again after trouble that may pass
    :ivar seconds: for all tries together, pauses included
    :ivar sleep: waits some seconds
    """

    retries: int = 3
    seconds: float = 120.0
    sleep: t.Callable[[float], None] = time.sleep


@dataclasses.dataclass(frozen=True)
class Delivered:
    """What came of it.

    :ivar comment: C(created), C(updated), C(added) (the system cannot change comments, so a newer one stands below the
        older) or C(unchanged)
    :ivar before: the text of the older comment, "" where there is none
    :ivar state: the state was changed, or would be
    """

    comment: str
    before: str = ""
    state: bool = False

    @property
    def changed(self) -> bool:
        """Is there anything new in the ticket?"""
        return self.comment != "unchanged" or self.state


def deliver(
    answer: answers.Answer, address: Address, letter: Letter, patience: Patience, *, check: bool = False
) -> Delivered:
    """Deliver a letter.

    :param check: only look what would be done
    :raises Trouble: when it cannot be delivered
    :raises AddressError: when the system wants a login that there is none of
    """
    if answer.id is not None and not (answer.id.fullmatch(letter.ticket) and letter.ticket.isprintable()):
        raise Trouble(f"'{clean(letter.ticket, 60)}' does not look like a ticket of this system", keep=False)
    end = time.monotonic() + patience.seconds
    for number in range(patience.retries + 1):
        try:
            return _Delivery(answer, address, letter, end, check).run()
        except Trouble as exc:
            pause = min(max(float(2**number), exc.wait), _LONGEST_PAUSE)
            if not exc.again or number == patience.retries or time.monotonic() + pause >= end:
                raise
            patience.sleep(pause)
    raise AssertionError("the last try either delivers or raises")


class _Delivery:
    """One try."""

    def __init__(self, answer: answers.Answer, address: Address, letter: Letter, end: float, check: bool) -> None:
        self._answer = answer
        self._address = address
        self._end = end
        self._check = check
        self._letter = letter
        self._login = {**address.headers, **address.authorization(answer.auth)}
        self._hide = address.hide()
        parts = answer.id.fullmatch(letter.ticket) if answer.id else None
        self._values: Values = {
            **(parts.groupdict() if parts else {}),
            **letter.values(),
            "base": address.url,
            "origin": address.origin,
            "user": address.user,
        }
        self._wrote = False

    def run(self) -> Delivered:
        """Do all steps."""
        try:
            self._steps(self._answer.begin)
            # What a login hands out is as secret as the login.
            self._hide.add(*(self._values.get(name) for step in self._answer.begin for name in step.take))
            return self._deliver()
        finally:
            self._goodbye()

    def _deliver(self) -> Delivered:
        comments = self._comments()
        identity, same = marker.find(self._letter.marker, ((item[0], item[1]) for item in comments))
        before = next((text for number, text in comments if number == identity), "")
        if same:
            outcome = "unchanged"
        elif identity is None:
            outcome = "created"
        else:
            outcome = "updated" if self._answer.update else "added"
        if not self._check and outcome == "updated":
            self._values["comment_id"] = identity
            self._steps(self._answer.update)
        elif not self._check and outcome != "unchanged":
            self._steps(self._answer.create)
        self._wrote = False
        steps = self._answer.states.get(self._letter.state, ())
        if self._check:
            # Whether the state is different already could only be told by the steps themselves.
            return Delivered(outcome, before, bool(steps) and outcome != "unchanged")
        self._steps(steps)
        return Delivered(outcome, before, self._wrote)

    def _comments(self) -> list[tuple[str, str]]:
        self._steps(self._answer.find)
        listed = self._values.pop(answers.COMMENTS, None)
        found = []
        for item in (listed if isinstance(listed, list) else [])[:_MOST_COMMENTS]:
            identity, text = (item.get("id"), item.get("text")) if isinstance(item, dict) else (None, None)
            if identity is not None and isinstance(text, str):
                found.append((str(identity), text))
        return found

    def _steps(self, steps: t.Iterable[answers.Step]) -> None:
        for step in steps:
            if step.when is None or step.when.search(self._values) is True:
                self._step(step)

    def _step(self, step: answers.Step) -> None:
        left = min(self._address.timeout, self._end - time.monotonic())
        if left <= 0:
            raise Trouble("the time for delivering is up")
        try:
            path = answers.path(step, self._values)
        except ValueError as exc:
            raise Trouble(str(exc), keep=False) from exc
        headers = {**self._headers(self._answer.headers), **self._headers(step.headers), **self._login}
        body = answers.fill(step.body, self._values)
        strict = self._answer.reply == "json"
        said = exchange(self._address, step.method, path, headers, body, seconds=left, hide=self._hide, strict=strict)
        self._wrote = self._wrote or step.method != "GET"
        what = f"{step.method} {clean(path.partition('?')[0], 120)}"
        if self._answer.expect is not None and self._answer.expect.search(said) is not True:
            raise Trouble(f"{what}: the ticket system refuses: {self._hide(clean(said['body'], 200))}")
        for name, expression in step.take.items():
            found = expression.search(said)
            if found is None or not isinstance(found, (str, int, float, list)):
                if not self._may_lack(name):
                    raise Trouble(f"{what}: its answer lacks '{name}' ({expression.text})", again=True)
                found = None
            self._values[name] = found

    def _may_lack(self, name: str) -> bool:
        """Does every step that uses this name look first whether it is there?"""
        used = [step for step in self._answer.steps() if name in step.names]
        conditions = [step for step in self._answer.steps() if step.when is not None and name in step.when.roots]
        return bool(conditions) and all(step in conditions for step in used)

    def _headers(self, headers: t.Mapping[str, str]) -> dict[str, str]:
        """Headers filled in; one that names what is not known yet, such as a session, is left out."""
        filled = {}
        for name, value in headers.items():
            if answers.placeholders(value) <= set(self._values):
                text = str(answers.fill(value, self._values))
                if not text.isprintable() or not text.isascii():
                    raise Trouble(f"the header {name} cannot hold what the ticket system handed out for it")
                filled[name] = text
        return filled

    def _goodbye(self) -> None:
        """Log out, if we came so far; that it fails changes nothing about what was delivered."""
        needed = {name for step in self._answer.begin for name in step.take}
        if needed <= set(self._values):
            try:
                self._steps(self._answer.end)
            except Trouble:
                return
