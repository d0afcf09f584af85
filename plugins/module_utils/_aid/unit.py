# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One unit of systemd: which one is meant, what state it is in, and what it is told to do.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import units
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole

INSTANCE, WRAPPER = "postfix@-.service", "postfix.service"
MOVING = frozenset(("activating", "deactivating", "reloading", "refreshing", "maintenance"))
"""States that a unit passes through by itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,200}$")
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,UnitFileState,Type,MainPID,Job,NRestarts,ExecMainStatus,ExecMainCode,"
    "CanReload,RefuseManualStart,RefuseManualStop,NeedDaemonReload,ConditionResult,"
    "ActiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic"
)
_SHOW_S, _TELL_S = 5.0, 10.0
# Without them nobody gets into the host any more, or nothing else can be started.
_UNTOUCHED = re.compile(r"(?:sshd?|dbus|dbus-broker|user@|getty@|serial-getty@|network|NetworkManager|systemd-)")
_MAIL_LEANS_ON = frozenset(("systemd-resolved.service", "systemd-journald.service"))
_PRODUCTS = {product: names for product, (_role, names) in units.COMPANIONS.items()}
_PRODUCTS.update(units.RESOLVER_UNITS)
_PRODUCTS.update(postfix=(INSTANCE, WRAPPER), dovecot=units.MDA_UNITS)


class UnitError(Exception):
    """systemd cannot be asked, or there is no such unit.

    :param code: no_systemd, unknown_unit or not_ours
    """

    def __init__(self, code, why):
        Exception.__init__(self, why)
        self.code = code


class Systemd(object):
    """What is asked of systemd and told to it, every time within a few seconds.

    :param program: name or path of systemctl
    """

    def __init__(self, program="systemctl"):
        self._program = program

    def show(self, names):
        """Properties of some units.

        :returns: dict of name to dict of properties; an alias stands under the name that was asked for
        :raises UnitError: when there is no answer
        """
        argv = [self._program, "show", "--no-pager", "-p", _PROPERTIES, "--"] + list(names)
        result = _run.run(argv, _SHOW_S)
        blocks = units.parse_show(result.out.decode("utf-8", "replace"))
        if result.status != "ok" or len(blocks) != len(names):
            words = clean(result.err, 160) or result.status
            raise UnitError("no_systemd", "systemd gives no answer about {0}: {1}".format(", ".join(names), words))
        return dict(zip(names, blocks))

    def tell(self, what, name):
        """Put a job into systemd's hands and do not wait for it.

        Once it is there it is carried out, whatever becomes of this run: a restart that was begun never ends as a stop.

        :param what: start, restart, reload or reset-failed
        :returns: an empty text, or why it was not taken
        """
        argv = [self._program, "--no-ask-password"] + ([] if what == "reset-failed" else ["--no-block"])
        result = _run.run(argv + [what, "--", name], _TELL_S)
        if result.status == "ok" and result.rc == 0:
            return ""
        return clean(result.err, 200) or "systemctl {0}: {1}".format(what, result.status)


class Unit(object):
    """One service and what systemd said of it last.

    :ivar name: the unit that runs the daemon, by its own name and not by an alias
    :ivar product: postfix, dovecot, the name of a companion, or an empty text
    :ivar block: properties, as text
    """

    def __init__(self, name, product, block, wrapper=None):
        self.name, self.product, self.block, self._wrapper = name, product, block, wrapper or {}

    def again(self, systemd):
        """The same unit, asked anew.

        :raises UnitError: when there is no answer
        """
        return Unit(self.name, self.product, systemd.show([self.name])[self.name], self._wrapper)

    def get(self, key):
        """One property, as text."""
        return self.block.get(key, "")

    @property
    def active(self):
        """ActiveState."""
        return self.get("ActiveState")

    @property
    def main_pid(self):
        """Process id that systemd knows the daemon by, or 0."""
        return whole(self.get("MainPID"), 0)

    @property
    def job(self):
        """Number of the job that waits for this unit or works at it, or 0."""
        return whole(self.get("Job"), 0)

    @property
    def down(self):
        """It does not run, and nobody is about to start it."""
        return self.active in ("inactive", "failed") and not self.job

    @property
    def on_its_way(self):
        """A job waits for it, or it is between two states."""
        return bool(self.job) or self.active in MOVING

    @property
    def masked(self):
        """Name of what an operator masked, or an empty text."""
        if self.get("LoadState") == "masked" or self.get("UnitFileState").startswith("masked"):
            return self.name
        # People mask the wrapper: the instance below it is generated.
        return WRAPPER if self._wrapper.get("LoadState") == "masked" else ""

    @property
    def disabled(self):
        """True when an operator disabled it, so that it does not start with the host."""
        return (self._wrapper or self.block).get("UnitFileState") == "disabled"

    def spell(self):
        """Its state as a person says it."""
        words = "{0} ({1})".format(self.active, self.get("SubState"))
        result = self.get("Result")
        return words + (", " + result if result not in ("", "success") else "")


def find(systemd, asked):
    """The unit that is meant by a name out of a finding: a unit, or a product such as C(opendkim).

    :raises UnitError: when there is none, or when it is no remedy's business
    """
    if not _NAME.match(asked):
        raise UnitError("unknown_unit", "{0} is not the name of a unit".format(clean(asked, 80)))
    name = asked if asked.endswith(".service") else asked + ".service"
    candidates = [one for one in _PRODUCTS.get(asked, ()) if "*" not in one]
    candidates = candidates or ([INSTANCE, WRAPPER] if name in (INSTANCE, WRAPPER) else [name])
    if any(untouched(one) for one in candidates):
        raise UnitError("not_ours", "{0} is no mail service: no remedy touches it".format(clean(asked, 80)))
    shown = systemd.show(candidates)
    there = [one for one in candidates if shown[one].get("LoadState") not in (None, "", "not-found")]
    if not there:
        raise UnitError("unknown_unit", "this host has no unit {0}".format(candidates[0]))
    chosen, wrapper = there[0], None
    if INSTANCE in candidates:
        plain = shown[WRAPPER]
        # Debian 12: postfix.service only calls the instances, and is "active" whatever happens to them.
        wrapped = plain.get("Type") == "oneshot" or plain.get("LoadState") in ("masked", "not-found")
        chosen = INSTANCE if INSTANCE in there and wrapped else WRAPPER
        wrapper = plain if chosen == INSTANCE and plain.get("LoadState") != "not-found" else None
    # Control groups are named after the unit itself, never after an alias: by that no process would be found.
    name = shown[chosen].get("Id") or chosen
    if untouched(name):
        raise UnitError("not_ours", "{0} is no mail service: no remedy touches it".format(clean(name, 80)))
    return Unit(name, product_of(name) or product_of(chosen), shown[chosen], wrapper)


def untouched(name):
    """True for a unit that is no remedy's business."""
    return bool(_UNTOUCHED.match(name)) and name not in _MAIL_LEANS_ON


def product_of(name):
    """Product that a unit belongs to, or an empty text."""
    for product, names in _PRODUCTS.items():
        if name in names:
            return product
    return "postfix" if name.startswith("postfix@") else ""
