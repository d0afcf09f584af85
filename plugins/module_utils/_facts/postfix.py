# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Postfix's own words: postconf, main.cf values, master.cf, the master's pid.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import mailprocs, procfs

# What rules and reports may need of main.cf. Nothing here holds a secret.
CHOSEN = (
    "alias_database alias_maps compatibility_level content_filter data_directory default_process_limit "
    "default_transport defer_transports home_mailbox inet_interfaces inet_protocols mail_spool_directory "
    "mailbox_command mailbox_size_limit mailbox_transport maillog_file message_size_limit milter_default_action "
    "mydestination myhostname mynetworks myorigin non_smtpd_milters process_id_directory proxy_interfaces "
    "qmgr_message_active_limit queue_directory queue_minfree relay_domains relayhost "
    "smtpd_client_connection_count_limit smtpd_client_connection_rate_limit smtpd_milters "
    "smtpd_recipient_restrictions smtpd_relay_restrictions "
    "smtpd_sasl_auth_enable smtpd_sasl_path smtpd_sasl_type smtpd_tls_cert_file smtpd_tls_key_file "
    "smtpd_tls_chain_files smtpd_tls_security_level soft_bounce syslog_facility syslog_name transport_maps "
    "virtual_alias_maps virtual_mailbox_base virtual_mailbox_domains virtual_mailbox_maps virtual_transport "
    "mail_version"
).split()

_NUMBER = re.compile(r"-?\d+$")
_DURATION = re.compile(r"\d+[smhdw]?$")
_TIME_DEFAULT = re.compile(r"\d+[smhdw]$")
# Settings whose default looks like a number or like yes or no, and which take more than that.
_NOT_TYPED = frozenset(
    "compatibility_level default_destination_concurrency_negative_feedback "
    "default_destination_concurrency_positive_feedback inet_interfaces lmtp_tcp_port lmtp_tls_loglevel "
    "mail_version milter_protocol smtp_tls_loglevel smtpd_forbid_bare_newline smtpd_tls_loglevel".split()
)
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")


def parse_settings(text):
    """C(name = value) lines as postconf prints them, as a dict; the first line of a name stands."""
    found = {}
    for line in text.splitlines():
        name, sign, value = line.partition("=")
        if sign and not line[:1].isspace():
            found.setdefault(name.strip(), value.strip())
    return found


def expand(value, settings, depth: int = 8) -> str:
    """A value with its C($name) references replaced; unknown names become empty, as in Postfix."""
    if depth <= 0 or "$" not in value:
        return value

    def replacement(match):
        name = match.group(1) or match.group(2) or match.group(3)
        return expand(settings.get(name, ""), settings, depth - 1)

    return _REFERENCE.sub(replacement, value)


def bad_values(explicit, defaults):
    """Settings of main.cf whose value is not of the kind their default has.

    postconf prints C(message_size_limit = abc) happily while every daemon dies of it, so the kind is looked up in the
    compiled-in default: a number, a duration or yes/no.

    :param explicit: dict of what main.cf sets
    :param defaults: dict of the compiled-in defaults
    :returns: list of sentences in Postfix's own words
    """
    problems = []
    for name in sorted(explicit):
        default = defaults.get(name)
        if default is None or "$" in default or name in _NOT_TYPED:
            continue
        value = expand(explicit[name], dict(defaults, **explicit))
        if "$" in value:
            # A condition such as ${stress?10}${stress:50}: only Postfix knows what comes of it.
            continue
        if _NUMBER.match(default):
            if not _NUMBER.match(value):
                problems.append("bad numerical configuration: {0} = {1}".format(name, value))
        elif _TIME_DEFAULT.match(default):
            if not _DURATION.match(value):
                problems.append("bad time configuration: {0} = {1}".format(name, value))
        elif default in ("yes", "no") and value.lower() not in ("yes", "no"):
            problems.append("bad boolean configuration: {0} = {1}".format(name, value))
    return problems


def logical_lines(text):
    """Entries of a master.cf, each with the number of its first line.

    As in Postfix, a line that begins with white space goes on with the entry before it, also across comments and empty
    lines; with no entry before it, it counts for nothing.

    :returns: list of (number, text)
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            found.append((number, line.strip()))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + " " + line.strip())
    return found


def parse_master(text):
    """Services of a master.cf.

    :returns: list of {name, type, command, options, chroot, limit}; options is a dict of its C(-o name=value), limit
        the most processes (0: no limit), or None for the default
    """
    services = []
    for dummy, line in logical_lines(text):
        fields = line.split()
        if len(fields) < 8:
            continue
        rest, options = fields[8:], {}
        for place, word in enumerate(rest[:-1]):
            if word == "-o":
                name, sign, value = rest[place + 1].partition("=")
                if sign:
                    options[name] = value
        services.append(
            {
                "name": fields[0],
                "type": fields[1],
                "command": fields[7],
                "options": options,
                "chroot": fields[4] == "y",
                "limit": int(fields[6]) if fields[6].isdigit() else None,
            }
        )
    return services


def installed(context) -> bool:
    """Shared look: is Postfix here, as a program or as a running master?"""
    return _run.find_program("postconf") is not None or context.shared(mail).masters["postfix"] is not None


def mail(context):
    """Shared look: the mail system's processes."""
    return mailprocs.identify(context.shared(shared.processes), context.proc)


def explicit(context):
    """Shared look: C(postconf -n) as a _run.Result."""
    return context.run(["postconf", "-n"], timeout=5.0)


def defaults(context):
    """Shared look: the compiled-in defaults, as a dict (empty when they cannot be had)."""
    result = context.run(["postconf", "-d"], timeout=5.0)
    return parse_settings(result.out.decode("utf-8", "replace"))


def settings(context):
    """Shared look: every setting in force; with the usual defaults where postconf does not answer."""
    found = {
        "queue_directory": "/var/spool/postfix",
        "config_directory": "/etc/postfix",
        "message_size_limit": "10240000",
        "queue_minfree": "0",
        "data_directory": "/var/lib/postfix",
        "mail_spool_directory": "/var/mail",
        "process_id_directory": "pid",
    }
    found.update(context.shared(defaults))
    found.update(parse_settings(context.shared(explicit).out.decode("utf-8", "replace")))
    return found


def value(context, name) -> str:
    """One setting in force, expanded; an empty text when it is not set."""
    everything = context.shared(settings)
    return expand(everything.get(name, ""), everything)


def number(context, name, otherwise: int) -> int:
    """One numeric setting in force; the given value when it is none."""
    text = value(context, name)
    return int(text) if _NUMBER.match(text) else otherwise


def master_services(context):
    """Shared look: parsed master.cf (empty when it cannot be read)."""
    folder = value(context, "config_directory") or "/etc/postfix"
    return parse_master(procfs.try_text(context.path(folder + "/master.cf"), 1 << 20))


def master_process(context):
    """Shared look: the Process of the running master, or None.

    The pid file may be stale, and its number may by now be anybody's: only a process that is a Postfix master counts.
    """
    if not context.shared(installed):
        return None
    folder = os.path.join(value(context, "queue_directory"), value(context, "process_id_directory") or "pid")
    text = procfs.try_text(context.path(folder + "/master.pid"), 64).strip()
    record = context.shared(shared.processes).get(int(text)) if text.isdigit() else None
    if record is not None and record.name == "master":
        if mailprocs.identify({record.pid: record}, context.proc).masters["postfix"] is not None:
            return record
    return context.shared(mail).masters["postfix"]
