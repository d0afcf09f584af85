# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(services): the mail server, its neighbours, and who stopped them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fnmatch
import re
import socket

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    dependencies,
    dns,
    dovecot,
    journal,
    logread,
    postfix,
    processes,
    procfs,
    sockets,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_NO_UNIT = {
    "load": None,
    "active": None,
    "sub": None,
    "result": None,
    "file_state": None,
    "restarts": 0,
    "exec_status": None,
    "exec_code": None,
    "since": None,
    "stopped_by": None,
}
_RESOLVER_NAMES = {"unbound": "unbound", "dnsmasq": "dnsmasq", "systemd-resolve": "systemd-resolved", "named": "named"}
_LOGGERS = {"journald": ("systemd-journal", "systemd-journald"), "rsyslog": ("rsyslogd",)}
_ASKED_TO_STOP = re.compile(r"Stopping |Stopped ")
_FAILURE = re.compile(
    r"[^:]+: (?:Failed with result|Main process exited, code=(?:killed|dumped)|"
    r"Main process exited, code=exited, status=(?!0/)|Start request repeated|Killing process)"
)
_STARTED = re.compile(r"Started |Starting |Finished ")
_POSTFIX_STOP = re.compile(r"stopping the Postfix mail system")
_DOVECOT_STOP = re.compile(r"master: Warning: Killed with signal 15 \(by pid=\d+ uid=0 ")


def collect(context):
    """The C(services) part of the document."""
    try:
        shown = context.shared(units.show)
    except (RuntimeError, shared.OutOfTime) as error:
        context.note("services", clean(error, 160))
        shown = {}
    has_mta, has_mda = context.shared(postfix.installed), context.shared(dovecot.installed)
    return {
        "mta": _mta(context, shown) if has_mta else None,
        "mda": _mda(context, shown) if has_mda else None,
        "resolver": _resolver(context, shown),
        "logger": _loggers(context),
        "others": _others(context, shown),
        "dependencies": context.shared(dependencies.look) if has_mta else [],
    }


def ended_by(context, product):
    """Who ended Postfix or Dovecot, see stopped_by; None while it runs.

    :raises RuntimeError: when systemd gives no answer
    """
    look = {"postfix": _mta, "dovecot": _mda}[product]
    return look(context, context.shared(units.show))["unit_state"]["stopped_by"]


def _mta(context, shown):
    master = context.shared(postfix.master_process)
    unit = units.owning_unit(context, master.pid) if master is not None else None
    name, block = choose_mta(shown, unit)
    state = _state(context, shown, name, block)
    wrapper = shown.get("postfix.service", {})
    if name == "postfix@-.service" and wrapper:
        # People enable, disable and mask the wrapper; the instance below it is generated.
        state["file_state"] = clean(wrapper.get("UnitFileState", ""), 40) or state["file_state"]
        if wrapper.get("LoadState") == "masked":
            state["load"] = "masked"
    lines = _unit_lines(context, set(units.MTA_UNITS + ((name,) if name else ())))
    own_words = _own_words(context, "/postfix-script", _POSTFIX_STOP)
    state["stopped_by"] = stopped_by(state, master is not None, lines, _since_start(own_words, block))
    version = clean(postfix.value(context, "mail_version"), 40) or None
    return {
        "product": "postfix",
        "version": version,
        "unit": name,
        "unit_state": state,
        "master": _master(context, master),
    }


def choose_mta(shown, unit):
    """(name, properties) of the unit that runs Postfix.

    :param shown: dict of unit name to properties
    :param unit: the unit whose cgroup holds the running master, or None when it is dead or was started by hand
    """
    if unit is not None and unit in shown:
        return unit, shown[unit]
    plain, instance = shown.get("postfix.service"), shown.get("postfix@-.service")
    # Debian 12: postfix.service is a oneshot wrapper around the instances and says "active" whatever happens to them.
    wrapped = plain is None or plain.get("Type") == "oneshot" or plain.get("LoadState") == "masked"
    if instance is not None and instance.get("LoadState") == "loaded" and wrapped:
        return "postfix@-.service", instance
    return ("postfix.service", plain) if plain is not None else (None, None)


def _mda(context, shown):
    master = context.shared(postfix.mail).masters["dovecot"]
    unit = units.owning_unit(context, master.pid) if master is not None else None
    name = unit if unit in shown else "dovecot.service"
    block = shown.get(name)
    state = _state(context, shown, name, block)
    own_words = _since_start(_own_words(context, "dovecot", _DOVECOT_STOP), block)
    state["stopped_by"] = stopped_by(state, master is not None, _unit_lines(context, (name,)), own_words)
    try:
        version = dovecot.parse_version(dovecot.text(context))
    except shared.OutOfTime:
        version = None
    return {
        "product": "dovecot",
        "version": clean(version, 40) if version else None,
        "unit": name if block else None,
        "unit_state": state,
        "master": _master(context, master),
    }


def _state(context, shown, name, block):
    if block is None:
        return dict(_NO_UNIT)
    return units.unit_state(block, units.monotonic_zero())


def _master(context, master):
    if master is None:
        return {"state": "absent", "pid": None, "started": None, "wchan": None}
    # The scan that found it may be seconds old by now, and this letter is what rules look at first.
    fresh = procfs.parse_stat(procfs.try_text("{0}/{1}/stat".format(context.proc, master.pid), 4096)) or master
    record = processes.record(fresh, "master", "", context.shared(shared.boot_time), context.proc)
    return {"state": record["state"], "pid": record["pid"], "started": record["started"], "wchan": record["wchan"]}


def _unit_lines(context, names):
    """Messages of PID 1 about some units, newest first; None when the journal could not be read."""
    try:
        book = context.shared(journal.look)
    except shared.OutOfTime:
        return None
    if not book.readable:
        return None
    found = []
    for text in book.texts:
        for line in text.splitlines():
            if '"UNIT"' in line and any('"%s"' % name in line for name in names if name):
                parsed = logread.parse_journal_line(line)
                if parsed is not None and parsed.unit in names and parsed.trusted:
                    found.append(parsed)
    return found


def _own_words(context, identifier, pattern):
    """Epoch at which a daemon last said that somebody stops it, or None."""
    try:
        book = context.shared(journal.look)
    except shared.OutOfTime:
        return None
    for text in book.texts:
        for line in text.splitlines():
            if identifier in line and pattern.search(line):
                parsed = logread.parse_journal_line(line)
                if parsed is not None and parsed.identifier.endswith(identifier) and pattern.match(parsed.message):
                    return parsed.when
    return None


def _since_start(own_words, block):
    """A daemon's word that it was told to stop, unless it has been started again since: a restart says it, too."""
    started = units.start_attempt(block or {}, units.monotonic_zero())
    return None if own_words is None or started is not None and own_words <= started else own_words


def stopped_by(state, running, lines, own_words=None):
    """Who ended a daemon: admin, self, unknown, or None while it runs.

    An administrator asks systemd (PID 1 says "Stopping") or the daemon's own tool; then the unit's result is success
    and nothing failed. A crash leaves a result or a failure line; a masked or disabled unit was left off by somebody.

    :param state: the contract's unit record
    :param running: true when the master process is there
    :param lines: lines of PID 1 about the unit, newest first, or None when the journal could not be read
    :param own_words: epoch at which the daemon said, after its last start, that it was told to stop, or None
    """
    if running:
        return None
    if state["active"] == "failed" or state["result"] not in (None, "success"):
        return "self"
    if state["active"] is None:
        return "unknown"
    for line in lines or []:
        if _FAILURE.match(line.message):
            return "self"
        if _ASKED_TO_STOP.match(line.message):
            return "admin"
        if _STARTED.match(line.message):
            break
    if own_words is not None:
        return "admin"
    if state["active"] not in ("inactive", "failed"):
        # The unit has not noticed that its daemon is gone: nobody asked systemd for it.
        return "self"
    if state["load"] == "masked" or state["file_state"] in ("masked", "masked-runtime", "disabled"):
        return "admin"
    return "self" if lines else "unknown"


def _resolver(context, shown):
    local = [address for address in context.shared(dns.resolvers) if is_local(address)]
    if not local:
        return None
    product = None
    try:
        files = context.shared(sockets.open_files)
        names = context.shared(shared.processes)
        for listener in context.shared(sockets.listening):
            pid = files.sockets.get(listener.inode)
            if listener.port == 53 and pid in names:
                product = product or _RESOLVER_NAMES.get(names[pid].name)
    except OSError:
        pass
    present = [
        (name, unit) for name, candidates in units.RESOLVER_UNITS.items() for unit in candidates if unit in shown
    ]
    if product is None and local[0] in ("127.0.0.53", "127.0.0.54"):
        product = "systemd-resolved"
    if product is None:
        product = _likely(present, shown)
    unit = next((unit for name, unit in present if name == product), None)
    if product is None:
        return None
    state = _state(context, shown, unit, shown.get(unit))
    if state["active"] in ("inactive", "failed"):
        state["stopped_by"] = stopped_by(state, False, _unit_lines(context, (unit,)))
    return {"product": product, "unit": unit, "unit_state": state}


def _likely(present, shown):
    """Of the installed resolvers the one that is meant to run: enabled before disabled, resolved last."""
    best, best_rank = None, None
    for name, unit in present:
        rank = (
            shown[unit].get("UnitFileState") != "enabled",
            shown[unit].get("LoadState") == "masked",
            name == "systemd-resolved",
            name,
        )
        if best is None or rank < best_rank:
            best, best_rank = name, rank
    return best


def is_local(address) -> bool:
    """Does this host itself have the address? Asked of the kernel by binding to it."""
    if address.startswith("127.") or address == "::1":
        return True
    try:
        place = socket.getaddrinfo(address, 0, 0, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)[0]
        with socket.socket(place[0], socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            link.bind(place[4])
    except OSError:
        return False
    return True


def _loggers(context):
    found = {}
    everything = context.shared(shared.processes)
    for name, commands in _LOGGERS.items():
        state = "absent"
        for pid, process in everything.items():
            if process.name in commands and procfs.same_pid_namespace(pid, context.proc):
                state = process.state
                break
        found[name] = {"state": state}
    return found


def _others(context, shown):
    found = []
    for product, unit in sorted(context.shared(units.companions).items()):
        # "postgresql@*-main.service" stands for the instances there are.
        names = fnmatch.filter(sorted(shown), unit) if "*" in unit else [unit]
        name = names[0] if names and names[0] in shown else unit
        state = _state(context, shown, name, shown.get(name))
        if state["active"] in ("inactive", "failed"):
            state["stopped_by"] = stopped_by(state, False, _unit_lines(context, (name,)))
        found.append({"product": product, "roles": [units.COMPANIONS[product][0]], "unit": name, "unit_state": state})
    return found
