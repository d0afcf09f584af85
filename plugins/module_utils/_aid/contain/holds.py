# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail of one sender, login or domain on hold: nothing is deleted, and it goes on when the hold ends.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import names, queuefile, settings
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, remove
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

KIND = "hold"
_MOST = 50000
_LIST = "smtpd_end_of_data_restrictions"
# A restriction that holds what comes in by SMTP under a login, from a sender, or for a domain alone: at the end of a
# message Postfix knows the recipient only where there is one. Not all that may stand in an address can stand in a table
# that is written into main.cf.
_TABLES = {"account": "check_sasl_access", "sender": "check_sender_access", "domain": "check_recipient_access"}
# What gives mail another sender, and where it is said whether it does so in the envelope.
_REWRITES = (
    ("sender_canonical_maps", ""),
    ("canonical_maps", "canonical_classes"),
    ("masquerade_domains", "masquerade_classes"),
)
_MOST_OTHERS = 5000
# How long an smtpd without work may take to end after a reload, and how long one in a session is looked after.
_IDLE_S, _POLL_S = 3.0, 0.1
_LATE_S = 1800.0
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.@_+-")


def restriction(by, value):
    """What holds new mail too, or an empty text where that cannot be had exactly."""
    if by not in _TABLES or not frozenset(value) <= _SAFE:
        return ""
    return "{0} inline:{{{1}=HOLD}}".format(_TABLES[by], value)


def rewrites_senders(here):
    """The setting by which Postfix gives mail another sender than SMTP did; an empty text where there is none.

    The restriction would meet the one and the queue would tell the other: what it held could not be found again. What a
    milter changes cannot be foreseen.
    """
    own = here.run(["postconf", "-P", "*/*/*"]).out.decode("utf-8", "replace").splitlines()
    for name, classes in _REWRITES:
        if any("/{0} = ".format(name) in line for line in own):
            return name
        if settings.value(here, name) and (not classes or "envelope_sender" in settings.value(here, classes)):
            return name
    return ""


def wanted(data, envelope) -> bool:
    """Is this a message to hold?"""
    value = data["value"]
    if data["by"] == "account":
        return envelope.login.lower() == value
    if value != names.NOBODY and data["by"] == "sender":
        return envelope.sender.lower() == value
    if data["by"] == "sender":
        about = data.get("about")
        # Delivery reports that somebody waits for are left alone: only what is about that domain is held.
        return not envelope.sender and (not about or any(_domain(one) == about for one in envelope.about))
    waiting = [_domain(one) for one in envelope.waiting]
    return bool(waiting) and all(one == value for one in waiting)


def met(data, envelope) -> bool:
    """Could it have been held by the restriction?

    Postfix's tables also match extensions and subdomains. The restriction meets the one recipient that SMTP named; by
    now there may be others in its place or beside it, from aliases and copies.
    """
    value = data["value"]
    if data["by"] == "sender":
        local, _sign, place = envelope.sender.lower().rpartition("@")
        own, _sign, home = value.rpartition("@")
        return place == home and (local == own or local.startswith((own + "+", own + "-")))
    if data["by"] == "domain":
        recipients = [_domain(one) for one in envelope.waiting + envelope.originals]
        return any(one == value or one.endswith("." + value) for one in recipients)
    return wanted(data, envelope)


def select(data):
    """Queue ids of the messages to hold, and how many of them are being delivered just now."""
    found, active = [], 0
    for queue in queuefile.QUEUES:
        for number, path in queuefile.files(data["queue"], queue):
            envelope = queuefile.read(path)
            if envelope is not None and wanted(data, envelope):
                found.append(number)
                active += queue == "active"
    return sorted(set(found))[:_MOST], active


def check(here, data):
    """Can it be done here?

    :raises Cannot: when not
    """
    for program in ("postsuper", "postconf"):
        if not here.has(program):
            raise Cannot("tool", "there is no {0} on this host".format(program))
    settings.check(here, data)


def present(here, data) -> bool:
    """Is all that there is on hold, and would new mail be?"""
    return not select(data)[0] and (not data["piece"] or settings.has_piece(here, _LIST, data["piece"]))


def prepare(here, data):
    """Write down what will be held, before it is."""
    chosen, active = select(data)
    ids = _listed(here, data) | set(chosen)
    here.keep(data["file"], ("\n".join(sorted(ids)) + "\n").encode("ascii"))
    data["active"] = active
    # Before the restriction is there, others put this on hold: it is not for us to release.
    if data["piece"] and data.get("others", ()) is None:
        data["others"] = sorted(_caught(data))[:_MOST_OTHERS]


def apply(here, data):
    """Hold it."""
    said = []
    if data["piece"]:
        settings.add_piece(here, _LIST, data["piece"])
        said.append("main.cf: {0} begins with {1}".format(_LIST, data["piece"]))
        own = here.run(["postconf", "-P", "*/*/" + _LIST]).out.decode("utf-8", "replace").split("=")[0].strip()
        if own:
            said.append("{0} has a list of its own in master.cf: what comes in there is not held".format(own))
    ids = _listed(here, data)
    if ids:
        here.must(["postsuper", "-h", "-"], timeout=120.0, input="\n".join(sorted(ids)) + "\n")
    held = _held(data)
    # What was delivered in the meantime is gone, and its number may soon be another message's.
    ids &= {number for number, envelope in held.items() if wanted(data, envelope)}
    here.keep(data["file"], ("\n".join(sorted(ids)) + "\n").encode("ascii"))
    data["count"] = len(ids)
    said.append("{0} messages are on hold".format(len(ids)))
    if data["piece"] or data.get("active"):
        # The queue manager still has in mind what was active.
        said.append(settings.reload(here))
    return said


def undo(here, data):
    """Let go of what was held, and of what came in since and the restriction could have held.

    What others had put on hold before stays there. What a milter or a person put on hold since then, of the same
    sender, login or domain, cannot be told from what the restriction held, and goes on, too.

    An smtpd in the middle of a session keeps the restriction beyond the reload. As long as one lives, half an hour at
    most, C(data) has C(late) afterwards: then this is to be done again.
    """
    late, first = data.pop("late", None), "late_since" not in data
    if not here.has("postsuper"):
        return ["Postfix is gone"]
    said = []
    if data["piece"] and first:
        data["late_since"] = round(time.time(), 3)
        dropped = settings.drop_piece(here, _LIST, data["piece"])
        # Whoever begins from here on knows nothing of the restriction.
        late = _receiving(here, data)
        if dropped:
            said.append(settings.reload(here))
        late = _still(here, late, _IDLE_S)
    elif late:
        late = _still(here, late, 0.0) if 0 <= time.time() - data["late_since"] < _LATE_S else []
    # After that look: whoever is gone by then has brought its last message here.
    let_go = set(_held(data)) & _listed(here, data)
    if data["piece"]:
        let_go |= _caught(data) - set(data.get("others") or ())
    if let_go:
        here.must(["postsuper", "-H", "-"], timeout=120.0, input="\n".join(sorted(let_go)) + "\n")
    remove(here.kept(data["file"]))
    if let_go or not late:
        said.append("{0} messages were released from hold".format(len(let_go)))
    if late:
        data["late"] = late
        if first:
            said.append(
                "{0} SMTP sessions began before it ended: what they bring on hold is released, too".format(len(late))
            )
    return said


def diff(here, data):
    """(before, after) as lines."""
    chosen = len(select(data)[0])
    before = ["{0} messages of {1} wait in the queue".format(chosen, data["value"])]
    after = ["{0} messages of {1} are on hold".format(chosen, data["value"])]
    if data["piece"]:
        after.append("{0} begins with {1}".format(_LIST, data["piece"]))
    return before, after


def data(by, value, queue, about="", piece=True):
    """The data of a hold.

    :param by: account, sender or domain
    :param about: for the empty sender: the domain whose mail was returned
    """
    return {
        "by": by,
        "value": value,
        "about": about,
        "queue": queue,
        "piece": restriction(by, value) if piece else "",
        "since": round(time.time(), 3),
        "count": 0,
        "others": None,
    }


def _held(data):
    found = {}
    for number, path in queuefile.files(data["queue"], "hold"):
        envelope = queuefile.read(path)
        if envelope is not None:
            found[number] = envelope
    return found


def _receiving(here, data):
    """The smtpds of this Postfix, each as [pid, start in clock ticks since boot]: no other process ever has both."""
    queue = os.path.realpath(data["queue"])
    return [
        [one.pid, one.started]
        for one in procfs.scan(here.proc).values()
        # Another instance's has another directory, and is not reloaded. One that is chrooted is seen in its own, too.
        if one.name == "smtpd" and procfs.try_link("{0}/{1}/cwd".format(here.proc, one.pid)) == queue
    ]


def _still(here, late, patience):
    """Those of some smtpds that are there after this many seconds; comes back as soon as there is none."""
    until = time.monotonic() + patience
    while True:
        late = [one for one in late if _lives(here, *one)]
        if not late or time.monotonic() >= until:
            return late
        time.sleep(_POLL_S)


def _lives(here, pid, started):
    record = procfs.parse_stat(procfs.try_text("{0}/{1}/stat".format(here.proc, pid), 4096))
    return record is not None and record.started == started


def _caught(data):
    """Queue ids of what is on hold, came in since and could have been held by the restriction."""
    since = data["since"] - 1
    return {number for number, mail in _held(data).items() if mail.arrived >= since and met(data, mail)}


def _listed(here, data):
    path = here.kept(data["file"])
    if not os.path.exists(path):
        return set()
    with open(path, "r") as stream:
        return set(stream.read().split())


def _domain(address):
    return address.rpartition("@")[2].lower()
