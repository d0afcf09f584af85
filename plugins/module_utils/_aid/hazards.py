# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a start, a restart or a reload the harm instead of the help. Each has a word of its own.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._aid import storage, syntax
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.unit import INSTANCE
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    dependencies,
    dovecot,
    postfix,
    services,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import OutOfTime

_LOCAL_BACKENDS = {"sql": ("mariadb",), "ldap": ("slapd",)}
_DEFAULT_UNITS = {"postfix": (INSTANCE, "postfix.service"), "dovecot": units.MDA_UNITS}


def refuse(context, daemon, how, note, storage_patience=storage.PATIENCE_S, plans=False):
    """Let it pass, or say why not.

    The cheap and certain ones come first, and whether the storage answers comes before anything that needs it.

    :param context: a fresh _facts.context.Context
    :param daemon: daemon.Daemon
    :param how: start, reload, restart or kill_helper
    :param note: function that takes a remark for the record
    :param storage_patience: seconds after which a file system counts as hung
    :param plans: true in check mode
    :raises Refused: with the word and a sentence
    """
    _operator(context, daemon)
    _process(daemon, how)
    _elsewhere(context, daemon)
    wrong = storage.ask(storage.places(context, daemon.unit.product), storage_patience)
    if wrong is not None:
        raise Refused(wrong[0], "{0}; a {1} would make it worse".format(wrong[1], _word(how)))
    words = syntax.check(context, daemon.unit.product, note, plans)
    if words:
        why = "{0} does not accept its configuration, and what still runs would not come back: {1}"
        raise Refused("syntax", why.format(daemon.unit.name, words))
    _dependency(context, daemon, how, note)


def _word(how):
    return {"kill_helper": "new process"}.get(how, how)


def _operator(context, daemon):
    """What an operator decided is not ours to undo."""
    unit = daemon.unit
    if unit.masked:
        raise Refused("masked", "{0} is masked: somebody does not want it started".format(unit.masked))
    if unit.get("RefuseManualStart") == "yes":
        raise Refused("not_ours", "{0} must not be started by hand, its unit says".format(unit.name))
    if unit.get("LoadState") not in ("loaded", ""):
        why = "systemd cannot use the unit file of {0} ({1})"
        raise Refused("syntax", why.format(unit.name, unit.get("LoadState")))
    if not unit.down or unit.active == "failed":
        return
    if unit.disabled:
        raise Refused("disabled", "{0} is disabled and was stopped: ask who wants it so".format(unit.name))
    if unit.name not in _DEFAULT_UNITS.get(unit.product, ()):
        return
    try:
        ended_by = services.ended_by(context, unit.product)
    except (OutOfTime, RuntimeError):
        ended_by = None
    if ended_by == "admin":
        raise Refused("stopped", "an operator's command stopped {0}: ask who did, and why".format(unit.name))


def _process(daemon, how):
    """What its own processes say."""
    unit = daemon.unit
    if how in ("reload", "kill_helper") and not daemon.runs and not unit.on_its_way:
        raise Refused("down", "{0} does not run: start it".format(unit.name))
    if daemon.main is None:
        return
    tracer = daemon.group.tracer(daemon.main)
    if tracer:
        why = "process {0} looks into the main process of {1} with a debugger"
        raise Refused("traced", why.format(tracer, unit.name))
    if daemon.hangs and how in ("start", "reload"):
        why = "{0} runs, and its main process ({1}) hangs in state {2}: a {3} does not reach it, a restart would"
        raise Refused("hung", why.format(unit.name, daemon.main.pid, daemon.main.state, how))
    if how == "restart" and daemon.stays_waiting():
        why = "the kernel holds the main process of {0} ({1}, state D): no signal reaches it, look at the storage"
        raise Refused("stuck", why.format(unit.name, daemon.main.pid))
    if how == "reload" and unit.get("CanReload") == "no":
        raise Refused("no_reload", "{0} knows no reload".format(unit.name))


def _elsewhere(context, daemon):
    """A daemon that somebody started by hand holds the ports."""
    if daemon.unit.product not in _DEFAULT_UNITS or daemon.main is not None:
        return
    master = context.shared(postfix.mail).masters[daemon.unit.product]
    if master is not None:
        why = "{0} runs as process {1}, which was not started by {2}"
        raise Refused("elsewhere", why.format(daemon.unit.product, master.pid, daemon.unit.name))


def _dependency(context, daemon, how, note):
    """A dead neighbour whose silence no restart of this daemon ends."""
    if how not in ("restart", "reload") and daemon.unit.product != "dovecot":
        return
    dead = _dead_neighbours(context, daemon.unit.product)
    if not dead:
        return
    if daemon.runs and not daemon.hangs and not daemon.hung():
        why = "it is not {0} that is sick: {1}. Bring that back first"
        raise Refused("dependency", why.format(daemon.unit.name, "; ".join(dead)))
    for words in dead:
        note("also sick: {0}".format(words))


def _dead_neighbours(context, product):
    """What this daemon leans on and what is certainly dead, in words."""
    if product == "postfix":
        return [
            "{name} at {endpoint} ({kind}) does not answer: {outcome}".format(**one)
            for one in context.shared(dependencies.look)
            if one["outcome"] in ("refused", "missing") and one["kind"] in ("milter", "sasl", "policy")
        ]
    if product != "dovecot":
        return []
    text = dovecot.text(context)
    blocks = dovecot.parse_blocks(text, "passdb") + dovecot.parse_blocks(text, "userdb")
    wanted = {name for block in blocks for name in _LOCAL_BACKENDS.get(block.get("driver", ""), ())}
    try:
        shown = context.shared(units.show)
        installed = context.shared(units.companions)
    except (OutOfTime, RuntimeError):
        return []
    found = []
    for product_name in sorted(wanted):
        block = shown.get(installed.get(product_name, ""), {})
        if block.get("UnitFileState") == "enabled" and block.get("ActiveState") in ("failed", "inactive"):
            found.append("{0} is {1}".format(block.get("Id", product_name), block.get("ActiveState")))
    return found
