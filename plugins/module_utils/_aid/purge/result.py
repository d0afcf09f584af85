# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of the remedy: what was planned, what was done, and one sentence for a tired person.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import goal, journal, units
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_SHOWN = 200


def empty(subject):
    """An answer in which nothing was done."""
    return {
        "changed": False,
        "action": "purge_spool",
        "subject": subject,
        "state": "nothing",
        "code": "",
        "why": "",
        "retry_at": None,
        "steps": [],
        "before": {},
        "after": {},
        "notes": [],
        "goal": {},
        "holds": [],
        "plan": [],
        "planned": [],
        "removed": [],
        "freed_bytes": 0,
        "left": [],
        "deleted_open": [],
        "refused_patterns": [],
        "largest": [],
    }


def refused(answer, why):
    """Fill in a guard.Refused."""
    if answer["changed"]:
        # Half-way: what was done is done.
        answer.update(state="failed", code=why.code, why=clean(why.why, 400), retry_at=why.retry_at)
    else:
        answer.update(state="refused", code=why.code, why=clean(why.why, 400), retry_at=why.retry_at)


def planned(answer, made, journal_keep):
    """Fill in a plan.Plan: each thing, as far as they can be shown, and the sums of each kind."""
    now = time.time()
    for group in made.groups:
        files = group.vacuum.files if group.vacuum else len(group.items)
        answer["planned"].append({"kind": group.kind.name, "files": files, "bytes": group.size})
        if group.vacuum:
            answer["plan"].append(
                {
                    "path": group.vacuum.folder,
                    "kind": group.kind.name,
                    "age_s": int(now - group.vacuum.age),
                    "bytes": group.size,
                    "why": journal.why(journal_keep),
                }
            )
        for item in group.items[: _MOST_SHOWN - len(answer["plan"])]:
            answer["plan"].append(
                {
                    "path": clean(item.seen.folder.path + "/" + item.seen.name, 300),
                    "kind": group.kind.name,
                    "age_s": int(item.age),
                    "bytes": item.seen.bytes,
                    "why": group.kind.why,
                }
            )
    if made.files > len(answer["plan"]):
        answer["notes"].append("the first {0} of {1} files are shown".format(len(answer["plan"]), made.files))
    answer["notes"] += made.notes


def predict(answer, made, place, target, room):
    """Fill in what the plan would come to."""
    after = room._replace(
        available=min(room.available + made.size, room.total),
        inodes_free=min(room.inodes_free + made.files, room.inodes) if room.inodes else 0,
    )
    answer["after"] = goal.measured(after)
    if made.groups:
        missing = target.missing(after)
        answer.update(
            changed=True,
            state="planned",
            why="{0} in {1} files would be removed from {2}{3}".format(
                units.spell(made.size),
                made.files,
                place.path,
                "; {0} would be wanted still".format(missing) if missing else "",
            ),
        )


def removed(answer, work):
    """Fill in an execute.Execution."""
    answer["removed"] = sorted(work.removed.values(), key=lambda one: (-one["bytes"], one["kind"]))
    answer["freed_bytes"] = work.size
    answer["steps"] = work.steps
    answer["left"] = [dict(record, why=why) for why, record in sorted(work.left.items())]
    answer["changed"] = bool(work.removed)
    answer["after"] = goal.measured(work.place.room())


def judge(answer, path, target, room, check):
    """Fill in how it came out, for what is no plan."""
    if answer["state"] == "planned":
        return
    free, missing = goal.spell(room), target.missing(room)
    files = sum(one["files"] for one in answer["removed"])
    did = "{0} in {1} files were removed".format(units.spell(answer["freed_bytes"]), files) if answer["changed"] else ""
    if not missing:
        answer.update(state="done", why="{0}; {1} has {2} free".format(did, path, free))
    elif target.enough(room):
        answer.update(
            state="done" if answer["changed"] else "nothing",
            why="{0}{1} has {2} free; {3} would be wanted, but nothing else there is safe to remove".format(
                did + "; " if did else "", path, free, missing
            ),
        )
    else:
        answer.update(
            state="failed",
            code="short",
            why="{0}{1} has only {2} free, and nothing {3} there is safe to remove: enlarge it, or let a person decide "
            "about what is largest".format(did + "; " if did else "", path, free, "else" if did else "at all"),
        )


def diff(answer):
    """Before and after, for the diff mode."""

    def side(room, more):
        lines = ["{0}: {1} bytes free".format(answer["subject"], room.get("available_bytes"))]
        return "\n".join(lines + more) + "\n"

    paths = ["{0} ({1})".format(one["path"], one["kind"]) for one in answer["plan"]]
    return {"before": side(answer["before"], paths), "after": side(answer["after"], [])}
