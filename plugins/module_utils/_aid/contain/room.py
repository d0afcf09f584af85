# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More room for honest load: Dovecot's limits, raised as far as the memory allows.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import dovecot, names, protected
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import look as looks
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot

# text: lines of configuration; says, former: what they set, and what stood before
Wish = namedtuple("Wish", "text says former")

_FULL = 0.9
_MOST_PROCESSES = 4096
_PER_USER = 10
_LEAST_MORE = 8


def wishes(look, service, guarded):
    """What should be set, as a list of Wish (empty: nothing is at its limit), and notes.

    :param service: one of Dovecot's, or C(dovecot) for all of them
    :param guarded: function that gives the protected networks
    :raises Cannot: when the memory does not allow it
    """
    full = [
        record
        for record in look.services
        if record["daemon"] == "dovecot"
        and record["name"] in looks.LOGIN_PORTS
        and service in ("dovecot", record["name"])
        and (record["share"] or 0.0) >= _FULL
    ]
    found, notes = [], []
    for record in full:
        found.append(_raised(look, record))
        greedy = _greedy(look, record, guarded)
        if greedy:
            notes.append(greedy)
            if look.per_user > _PER_USER and not any("userip" in wish.text for wish in found):
                found.append(_per_user(look))
    if not full:
        notes.append("no service of Dovecot is at its limit of processes just now")
    return found, notes


def data(here, name, found):
    """The data of the measure; name is that of its file."""
    text = "# Written by mailops.triage for a while, and taken away again by it.\n"
    text += "".join(wish.text for wish in found)
    says, former = [wish.says for wish in found], [wish.former for wish in found]
    return dovecot.data(dovecot.main_file(here), name, text, says, former)


def _raised(look, record):
    name, old = record["name"], record["limit"]
    sessions = sum(looks.by_client(look, looks.LOGIN_PORTS[name]).values())
    # In doublings, so that a look and the act right after it come to the same number.
    wanted = 2 * old
    while wanted < max(old + _LEAST_MORE, sessions + sessions // 2):
        wanted *= 2
    if look.available is None:
        raise Cannot("memory", "nobody can tell how much memory is left, so no limit is raised")
    # Half of what is free, so that mail itself still finds some.
    more = int(look.available // 2 // look.login_bytes)
    new = min(wanted, old + more, max(old, _MOST_PROCESSES))
    if new <= old:
        words = "{0} may not have more than {1} processes: {2} MiB are free, and one takes {3}"
        raise Cannot("memory", words.format(name, old, look.available >> 20, look.login_bytes >> 20))
    return Wish(
        "service {0} {{\n  process_limit = {1}\n}}\n".format(name, new),
        "{0} may have {1} processes".format(name, new),
        "{0} may have {1} processes".format(name, old),
    )


def _per_user(look):
    return Wish(
        "mail_max_userip_connections = {0}\n".format(_PER_USER),
        "{0} connections for a user from one address".format(_PER_USER),
        "{0} connections for a user from one address".format(look.per_user),
    )


def _greedy(look, record, guarded):
    """Who holds most of a service, when that is one address and it is none of ours; else an empty text."""
    counted = looks.by_client(look, looks.LOGIN_PORTS[record["name"]])
    total = sum(counted.values())
    for address, count in counted.items():
        if 2 * count > total and count > 1 and protected.against(names.network(address), guarded()) is None:
            return "{0} holds {1} of {2} sessions of {3}".format(address, count, total, record["name"])
    return ""
