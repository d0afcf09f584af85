# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says of the mail system's units, from one C(systemctl show).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole

MTA_UNITS = ("postfix@-.service", "postfix.service")
MDA_UNITS = ("dovecot.service",)
LOGGER_UNITS = ("systemd-journald.service", "rsyslog.service", "syslog-ng.service")
RESOLVER_UNITS = {
    "unbound": ("unbound.service",),
    "dnsmasq": ("dnsmasq.service",),
    "systemd-resolved": ("systemd-resolved.service",),
    "named": ("named.service", "bind9.service"),
}
# product: (role, unit names in the order they are looked for)
COMPANIONS = {
    "opendkim": ("filter", ("opendkim.service",)),
    "rspamd": ("filter", ("rspamd.service",)),
    "opendmarc": ("filter", ("opendmarc.service",)),
    "clamav": ("filter", ("clamav-daemon.service", "clamd@scan.service", "clamd.service")),
    "spamassassin": ("filter", ("spamd.service", "spamassassin.service")),
    "amavis": ("filter", ("amavis.service", "amavisd.service", "amavisd-new.service")),
    "redis": ("database", ("redis-server.service", "redis.service", "valkey.service")),
    "mariadb": ("database", ("mariadb.service", "mysql.service", "mysqld.service")),
    "postgresql": ("database", ("postgresql@*-main.service", "postgresql.service")),
    "slapd": ("directory", ("slapd.service",)),
    "postgrey": ("filter", ("postgrey.service",)),
    "fail2ban": ("security", ("fail2ban.service",)),
}
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
)
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,UnitFileState,NRestarts,ExecMainStatus,ExecMainCode,Type,"
    "MainPID,Description,StateChangeTimestampMonotonic,InactiveExitTimestampMonotonic"
)
# siginfo's CLD_ codes
_EXEC_CODES = {"1": "exited", "2": "killed", "3": "dumped"}
# A start under one of these is no unit of the mail system's own.
_FOREIGN = ("ssh.service", "sshd.service", "cron.service", "crond.service", "atd.service", "user@")


def parse_show(text):
    """Blocks of C(systemctl show) as a list of dicts, in the order asked."""
    blocks, current = [], {}
    for line in text.splitlines():
        if not line:
            if current:
                blocks.append(current)
            current = {}
            continue
        name, sign, value = line.partition("=")
        if sign:
            current[name] = value
    if current:
        blocks.append(current)
    return blocks


def unit_state(block, boot):
    """The contract's unit record of one block; stopped_by is left for the caller.

    :param block: dict of systemd properties
    :param boot: epoch second at which systemd's monotonic clock was zero
    """
    code = _EXEC_CODES.get(block.get("ExecMainCode", ""))
    status = block.get("ExecMainStatus", "")
    restarts = block.get("NRestarts", "")
    return {
        "load": clean(block.get("LoadState", ""), 40) or None,
        "active": clean(block.get("ActiveState", ""), 40) or None,
        "sub": clean(block.get("SubState", ""), 40) or None,
        "result": clean(block.get("Result", ""), 40) or None,
        "file_state": clean(block.get("UnitFileState", ""), 40) or None,
        "restarts": whole(restarts, 0),
        "exec_status": whole(status) if code else None,
        "exec_code": code,
        "since": _moment(block.get("StateChangeTimestampMonotonic", ""), boot),
        "stopped_by": None,
    }


def _moment(text, boot):
    return round(boot + whole(text, 0) / 1e6, 3) if whole(text) else None


def start_attempt(block, boot):
    """Epoch second at which the last attempt to start the unit began, or None."""
    return _moment(block.get("InactiveExitTimestampMonotonic", ""), boot)


def monotonic_zero() -> float:
    """Epoch second at which systemd's monotonic clock was zero."""
    return time.time() - time.monotonic()


def unit_files(context):
    """Shared look: names of the unit files and init scripts this host has; one listing per directory."""
    names = set()
    for folder in _UNIT_FOLDERS:
        try:
            names.update(os.listdir(context.path(folder)))
        except OSError:
            continue
    try:
        names.update(name + ".service" for name in os.listdir(context.path("/etc/init.d")))
    except OSError:
        pass
    return names


def owning_unit(context, pid):
    """The service unit whose cgroup holds a process, or None when it was not started as a unit of its own."""
    unit = procfs.parse_unit(procfs.try_text("{0}/{1}/cgroup".format(context.proc, pid)))
    if unit is None or not unit.endswith(".service") or unit.startswith(_FOREIGN):
        return None
    return unit


def companions(context):
    """Shared look: installed companions as a dict of product to unit name."""
    present, found = context.shared(unit_files), {}
    for product, (_role, units) in COMPANIONS.items():
        for unit in units:
            # An instance is installed as its template: postgresql@.service.
            template = unit.partition("@")[0] + "@.service" if "@" in unit else unit
            if unit in present or template in present:
                found[product] = unit
                break
    return found


def show(context):
    """Shared look: dict of unit name to its properties, for every unit the document may speak of.

    One call for all; only units whose file exists are named, as asking for a missing one makes systemd search the disk.

    :raises RuntimeError: when systemctl gives no answer
    """
    if not os.path.isdir(context.path("/run/systemd/system")):
        # Another init system runs this host: there are no units to speak of.
        return {}
    present = context.shared(unit_files)
    wanted = [
        name
        for name in MTA_UNITS + MDA_UNITS + LOGGER_UNITS
        if name in present or name == "postfix@-.service" and "postfix@.service" in present
    ]
    wanted += [name for names in RESOLVER_UNITS.values() for name in names if name in present]
    wanted += list(context.shared(companions).values())
    for master in context.shared(postfix.mail).masters.values():
        unit = owning_unit(context, master.pid) if master is not None else None
        if unit is not None and unit not in wanted:
            wanted.append(unit)
    if not wanted:
        return {}
    result = context.run(["systemctl", "show", "--no-pager", "-p", _PROPERTIES, "--"] + wanted, timeout=5.0)
    if result.status == "missing":
        return {}
    blocks = parse_show(result.out.decode("utf-8", "replace"))
    if result.status != "ok" or not blocks:
        raise RuntimeError(
            "systemctl show: {0} {1}".format(
                result.status if result.status != "ok" else "rc %s" % result.rc, clean(result.err, 120)
            )
        )
    # Aliases answer under their real name: the order of the blocks says which unit was asked for.
    found = {block.get("Id", ""): block for block in blocks}
    if len(blocks) == len(wanted):
        for name, block in zip(wanted, blocks):
            found.setdefault(name, block)
    return found
