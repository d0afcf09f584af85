# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A block of addresses kept out by fail2ban, where there is no nft: in the jail of the service, with an end of ours.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot

KIND = "fail2ban"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}\Z")
# The jails of fail2ban's own configuration, the likeliest first.
JAILS = {
    "smtp": ("postfix", "postfix-rbl", "postfix-sasl"),
    "submission": ("postfix-sasl", "postfix"),
    "login": ("dovecot", "postfix-sasl"),
    "mail": ("dovecot", "postfix", "postfix-sasl"),
}


def jail(here, group):
    """Name of the jail for a group of ports.

    :raises Cannot: when there is none
    """
    if not here.has("fail2ban-client"):
        raise Cannot("tool", "there is neither nft nor fail2ban on this host")
    result = here.run(["fail2ban-client", "status"])
    said = result.out.decode("utf-8", "replace").partition("Jail list:")[2]
    running = [name.strip() for name in said.split(",") if _NAME.match(name.strip())]
    for name in JAILS.get(group, JAILS["mail"]):
        if name in running:
            return name
    raise Cannot("tool", "there is no nft, and fail2ban has no jail for these ports")


def check(here, data):
    """Can it be done here?

    :raises Cannot: when not
    """
    if not here.has("fail2ban-client"):
        raise Cannot("tool", "there is no fail2ban on this host")


def present(here, data) -> bool:
    """Is it banned?"""
    result = here.run(["fail2ban-client", "get", data["jail"], "banip"])
    return data["network"] in result.out.decode("utf-8", "replace").split()


def apply(here, data):
    """Ban it."""
    here.must(["fail2ban-client", "set", data["jail"], "banip", data["network"]])
    return ["{0} is banned in the jail {1}".format(data["network"], data["jail"])]


def undo(here, data):
    """Lift the ban."""
    if not here.has("fail2ban-client") or not present(here, data):
        return ["the ban had ended"]
    here.must(["fail2ban-client", "set", data["jail"], "unbanip", data["network"]])
    return ["the ban of {0} in the jail {1} is lifted".format(data["network"], data["jail"])]


def diff(here, data):
    """(before, after) as lines."""
    return [], ["jail {0}: {1}".format(data["jail"], data["network"])]
