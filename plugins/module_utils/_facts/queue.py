# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(queue): how much mail waits, how long, for whom and why.

The spool's files are counted directly, which works when every daemon is dead; C(postqueue -j) adds who and why, when it
answers.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, spool
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_SCAN_SECONDS = 1.5
# postqueue shows the empty sender under the first of these names.
_NOBODY = ("MAILER-DAEMON", "<>")


def collect(context):
    """The C(queue) part of the document, or None when there is no MTA; ages are seconds, sizes bytes."""
    if not context.shared(postfix.installed):
        return None
    folder = context.path(postfix.value(context, "queue_directory"))
    scan = spool.Scan(folder, context.now, time.monotonic() + min(_SCAN_SECONDS, context.left())).run()
    for error in scan.errors:
        context.note("queue", error)
    try:
        result = context.shared(spool.postqueue)
    except shared.OutOfTime:
        result = None
    answer = postqueue_answer(result)
    said = result is not None and (result.out or answer["status"] == "ok")
    told = spool.parse_postqueue(result.out) if said else None
    cut = result is not None and result.truncated
    return document(scan, told, answer, daemon_state(context, answer), cut, active_limit(context))


def postqueue_answer(result):
    """{status, text} of a _run.Result of postqueue, or of None when it was not run."""
    if result is None:
        return {"status": "not_run", "text": ""}
    text = clean(result.err, 200)
    if result.status == "timeout":
        return {"status": "timeout", "text": text or "no answer within %.0f s" % result.seconds}
    if result.status != "ok" or result.rc:
        return {"status": "failed", "text": text or result.status}
    return {"status": "ok", "text": text}


def daemon_state(context, answer):
    """running, down or hung: by the master process first, by what postqueue says second.

    A postqueue that fails says nothing of the daemon: it may have failed over the configuration.
    """
    master = context.shared(postfix.master_process)
    if master is None or "Mail system is down" in answer["text"]:
        return "down"
    if master.state in "TtDZ" or answer["status"] == "timeout":
        return "hung"
    return "running"


def active_limit(context) -> int:
    """Most messages that the queue manager works on at the same time."""
    return postfix.number(context, "qmgr_message_active_limit", 20000)


def document(scan, told, answer, daemon, cut, limit):
    """Put the two sources together.

    :param scan: spool.Scan
    :param told: parsed postqueue output, or None
    :param cut: true when postqueue's output was longer than its limit
    :param limit: see active_limit
    """
    looked = len(scan.errors) < len(spool.QUEUES)
    counts = {name: scan.counts.get(name, 0) for name in spool.QUEUES}
    sizes = {name: scan.bytes.get(name, 0) for name in spool.QUEUES}
    ages = {name: scan.oldest.get(name) for name in spool.QUEUES}
    source = "files" if looked else "none"
    if told is not None and answer["status"] == "ok":
        source = "postqueue"
        for name in spool.QUEUES:
            if not looked or scan.truncated:
                counts[name] = max(counts[name], told["counts"].get(name, 0))
            if name in told["oldest"] and counts[name]:
                age = round(max(0.0, scan.now - told["oldest"][name]), 1)
                ages[name] = age if ages[name] is None else max(age, ages[name])
    ages["total"] = max([age for age in ages.values() if age is not None] or [None], key=lambda age: age or 0)
    counts["total"] = sum(counts.values())
    sizes["total"] = sum(sizes.values())
    known = told or {"destinations": {}, "senders": {}, "reasons": {}, "recipients": 0, "messages": 0}
    return {
        "source": source,
        "postqueue": answer,
        "daemon": daemon,
        "counts": counts,
        "bytes": sizes,
        "oldest_s": ages,
        "median_s": {name: spool.median(scan.ages.get(name, [])) for name in spool.QUEUES},
        "active_limit": limit,
        "active_share": round(counts["active"] / float(limit), 3) if limit > 0 else None,
        "distinct_destinations": len(known["destinations"]) if told is not None else None,
        "distinct_senders": len(known["senders"]) if told is not None else None,
        "null_sender": null_sender(known) if told is not None else None,
        "top_destinations": spool.top(known["destinations"], known["recipients"]) if told is not None else None,
        "top_senders": spool.top(known["senders"], known["messages"]) if told is not None else None,
        "top_reasons": spool.top(known["reasons"], known["recipients"]) if told is not None else None,
        "connect_timeouts": known.get("connect_timeouts") if told is not None else None,
        "truncated": scan.truncated or cut,
    }


def null_sender(told):
    """How much of the queue is bounces and the like, which nobody can be told of when they fail, too."""
    count = sum(told["senders"].get(name, 0) for name in _NOBODY)
    return {"count": count, "share": round(count / float(told["messages"]), 3) if told["messages"] else 0.0}
