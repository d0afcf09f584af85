# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the processes are the mail system's, and what each of them does.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

# masters: dict of "postfix"/"dovecot" to the Process of the running master, or None
# members: dict of pid to (daemon, role)
MailProcesses = namedtuple("MailProcesses", "masters members")

# What stands beside the two servers and can stop mail: their records are kept under daemon "other".
_COMPANIONS = frozenset(
    (
        "opendkim opendmarc rspamd clamd clamav-milter spamd spamass-milter amavisd amavisd-new amavisd-milter "
        "policyd-spf postgrey milter-greylist unbound dnsmasq named systemd-resolve systemd-journal systemd-journald "
        "rsyslogd slapd mariadbd mysqld postgres redis-server saslauthd fail2ban-server"
    ).split()
)


def identify(processes, proc="/proc"):
    """Sort the mail system's processes by daemon and role.

    A child belongs to the daemon whose master is its ancestor: names alone would mistake any C(log), C(auth) or
    C(master). Children that outlived their master are known by the directory of their program.

    :param processes: dict of pid to Process
    :returns: MailProcesses
    """
    masters: dict = {"postfix": None, "dovecot": None}
    for pid in sorted(processes):
        name = processes[pid].name
        if name == "master" and masters["postfix"] is None and _is_postfix_master(pid, proc):
            masters["postfix"] = processes[pid]
        elif name == "dovecot" and masters["dovecot"] is None and _is_dovecot_master(processes, pid, proc):
            masters["dovecot"] = processes[pid]
    owners = {record.pid: daemon for daemon, record in masters.items() if record is not None}
    members = {}
    for pid, record in processes.items():
        daemon = _ancestor(processes, pid, owners)
        if daemon is None and record.ppid == 1:
            daemon = _orphan(record, proc)
        if daemon is None and record.name in _COMPANIONS and procfs.same_pid_namespace(pid, proc):
            daemon = "other"
        if daemon is not None:
            members[pid] = (daemon, "master" if pid in owners else _role(record, proc))
    return MailProcesses(masters, members)


def _is_postfix_master(pid, proc):
    # Cyrus has a "master" too; only Postfix keeps its own in a directory of its name.
    command = procfs.try_text("{0}/{1}/cmdline".format(proc, pid), 1024).split("\0", 1)[0]
    return "postfix" in command and procfs.same_pid_namespace(pid, proc)


def _is_dovecot_master(processes, pid, proc):
    parent = processes.get(processes[pid].ppid)
    return (parent is None or parent.name != "dovecot") and procfs.same_pid_namespace(pid, proc)


def _ancestor(processes, pid, owners):
    for _step in range(6):
        if pid in owners:
            return owners[pid]
        record = processes.get(pid)
        if record is None or record.ppid <= 1:
            return None
        pid = record.ppid
    return None


def _orphan(record, proc):
    base = "{0}/{1}".format(proc, record.pid)
    program = procfs.try_link(base + "/exe") or procfs.try_text(base + "/cmdline", 1024).split("\0", 1)[0]
    for daemon, folder in (("postfix", "/postfix/"), ("dovecot", "/dovecot/")):
        if folder in program and procfs.same_pid_namespace(record.pid, proc):
            return daemon
    return None


def _role(record, proc):
    # The kernel keeps 15 characters of a name; the command line has it whole.
    if len(record.name) < 15:
        return record.name
    command = procfs.try_text("{0}/{1}/cmdline".format(proc, record.pid), 1024).split("\0", 1)[0]
    role = command.split(" ")[0].rsplit("/", 1)[-1]
    return role if role.startswith(record.name) else record.name
