# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a daemon accept its own configuration? Asked before it is started, restarted or reloaded.

A start with a configuration that it does not accept ends what still runs.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import config, dovecot, postfix
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import OutOfTime
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_CHECK_S = 10.0
COMMANDS = {
    "unbound": ["unbound-checkconf"],
    "named": ["named-checkconf"],
    "dnsmasq": ["dnsmasq", "--test"],
    "opendkim": ["opendkim", "-n"],
    "rspamd": ["rspamadm", "configtest", "-q"],
    "slapd": ["slaptest", "-Q", "-u"],
    "fail2ban": ["fail2ban-client", "-t"],
}
"""How other daemons are asked; those that know no such question are started as they are."""


def check(context, product, note, plans=False):
    """What is wrong with the configuration, in the daemon's own words; an empty text when nothing is.

    :param context: a _facts.context.Context
    :param note: function that takes a remark for the record
    :param plans: true in check mode: what would change something on the host is left out, and noted
    """
    try:
        if product == "postfix":
            return _postfix(context, note, plans)
        if product == "dovecot":
            return _dovecot(context)
        return _other(context, product, note)
    except OutOfTime:
        return "it could not be checked in time"


def _postfix(context, note, plans):
    explicit = context.shared(postfix.explicit)
    problems = postfix.bad_values(
        postfix.parse_settings(explicit.out.decode("utf-8", "replace")), context.shared(postfix.defaults)
    )
    # Reads every parameter as the daemons do, and touches nothing of the spool.
    spoken = config.fatal_words(context.run(["postmap", "-q", "mailops-triage", "static:ok"], 5.0))
    services = context.run(["postconf", "-M"], 5.0)
    if services.status == "ok" and services.rc:
        problems.append(clean(services.err, 300))
    found = config.postfix_check(explicit, problems, spoken)
    if found["ok"] is None:
        return "it could not be checked: " + found["text"]
    if not found["ok"]:
        return found["text"]
    if plans:
        # It makes directories that are missing, and moves what lies in the wrong place of the queue.
        note("postfix check was left out, since it puts the queue in order; postconf and postmap accept the settings")
        return ""
    whole = context.run(["postfix", "check"], _CHECK_S)
    if whole.status == "timeout":
        # It walks the whole queue: on a large one that takes longer than anybody should wait now.
        note("postfix check did not end within {0:.0f} s; postconf and postmap accept the settings".format(_CHECK_S))
        return ""
    if whole.status == "ok" and whole.rc:
        return clean(whole.err, 600) or "postfix check ends with {0}".format(whole.rc)
    return ""


def _dovecot(context):
    found = config.dovecot_check(context.shared(dovecot.doveconf))
    if not found["ok"]:
        return found["text"] or "doveconf ends with {0}".format(found["rc"])
    missing = config.missing_files(dovecot.parse_files(dovecot.text(context)), context.root)
    if missing:
        return "{setting} names {path}: {reason}".format(**missing[0])
    return ""


def _other(context, product, note):
    command = COMMANDS.get(product)
    if command is None or _run.find_program(command[0]) is None:
        note("nothing on this host checks the configuration of {0}".format(product or "this daemon"))
        return ""
    result = context.run(command, _CHECK_S)
    if result.status != "ok":
        return "it could not be checked: {0}: {1}".format(command[0], result.status)
    if result.rc:
        return clean(result.err + b" " + result.out, 600) or "{0} ends with {1}".format(command[0], result.rc)
    return ""
