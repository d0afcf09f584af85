# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a night as a document; pure logic on the ledger and on what was seen from outside.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._night import answers, downtime, frozen, ledger, progress

Document = dict[str, t.Any]

SCHEMA = "mailops.triage/night-report/1"
_ENDS = (*ledger.CLOSED, "begun", "planned")
_MOST_TOLD = 12
_BESIDE = ("restarted", "settled", "opened", "released", "hook")
"""Steps that a host may be well without."""


def make(night: Document, series: t.Sequence[Document], now: float, next_window: float | None, check: bool) -> Document:
    """The report.

    :param night: the ledger
    :param series: what was seen from outside
    :param now: epoch seconds
    :param next_window: when work may begin again, in epoch seconds
    :param check: nothing was done
    """
    hosts = {name: _host(host) for name, host in night["hosts"].items()}
    seen = downtime.sum_up(series, night["groups"])
    for name, host in hosts.items():
        host["downtime"] = {} if check else seen["hosts"].get(name, {})
        host["never"] = seen["never"].get(name, [])
    states = [host["state"] for host in hosts.values()]
    return {
        "schema": SCHEMA,
        "id": night["id"],
        "state": night["state"],
        "check": check,
        "began": night["made"],
        "ended": night["ended"] or round(now, 3),
        "runs": len(night["runs"]),
        "settings": night["settings"],
        "stopped": night["stopped"],
        "held_up": night["held_up"],
        "next_window": next_window,
        "counts": {state: states.count(state) for state in _ENDS},
        "batches": night["batches"],
        "hosts": hosts,
        "groups": {} if check else seen["groups"],
        "measured": {key: seen[key] for key in ("seconds", "looks", "every", "longest_gap", "unseen")},
    }


def end(night: Document, now: float) -> None:
    """Close the ledger: whoever was not come to is left, with the reason. In place.

    A night with a host that is begun and not ended stays open, so that the next run goes on with it.
    """
    reason = night["stopped"] or night["held_up"] or {"code": "not_begun", "why": "the run has ended before"}
    hosts = night["hosts"].values()
    if any(host["state"] == "begun" for host in hosts):
        return
    waiting = [host for host in hosts if host["state"] == "planned"]
    for host in waiting:
        host.update(state="left", code=reason["code"], why=reason["why"])
    night.update(state="stopped" if night["stopped"] or waiting else "finished", ended=round(now, 3))


def bad(report: Document, fail_on: str) -> str:
    """Why the run shall fail, or an empty text.

    :param fail_on: C(never), C(failed) (a host has failed or went back) or C(left) (also when something was left)
    """
    if fail_on == "never":
        return ""
    names = {state: [name for name, host in report["hosts"].items() if host["state"] == state] for state in _ENDS}
    parts = [
        f"{_WORDS[state]}: {', '.join(names[state])}" for state in ("failed", "begun", "rolled_back") if names[state]
    ]
    if fail_on == "left" and names["left"]:
        parts.append(f"left: {', '.join(names['left'])}")
    if report["stopped"] and not parts:
        parts.append(f"the night was stopped: {report['stopped']['why']}")
    return "; ".join(parts)


_WORDS = {"failed": "failed", "begun": "begun and not ended", "rolled_back": "went back to the old packages"}


def _host(host: Document) -> Document:
    kept = ("state", "code", "why", "groups", "before", "after", "judged", "again", "packages", "went_back")
    pending = host["frozen"]["packages"] if host["frozen"] else {}
    return {
        **{key: host[key] for key in kept},
        "pending": [{"package": name, "from": one["from"], "to": one["to"]} for name, one in sorted(pending.items())],
        "steps": host["steps"],
        "seconds": _seconds(host["steps"]),
        "left": _left(host),
        "next": _next(host),
        "log": (host["outcome"] or {}).get("log", "") if host["state"] in ("failed", "rolled_back", "begun") else "",
    }


def _seconds(steps: t.Sequence[Document]) -> dict[str, float]:
    """How long each kind of step took, all attempts together."""
    found: dict[str, float] = {}
    for one in steps:
        found[one["step"]] = round(found.get(one["step"], 0.0) + max(0.0, one["ended"] - one["began"]), 1)
    return found


def _left(host: Document) -> list[str]:
    """What is still to be done on a host although nothing went wrong, and why it was not."""
    found = [f"{one['package']}: {one['why']}" for one in (host["frozen"] or {}).get("left", [])]
    outcome = host["outcome"] or {}
    found += [
        f"the new version of a configuration file was put beside it: {one}" for one in outcome.get("conffiles_left", [])
    ]
    found += [f"half configured: {one}" for one in outcome.get("half_configured", [])]
    reboot = outcome.get("reboot") or (host["frozen"] or {}).get("reboot") or {}
    rebooted = any(one["step"] == "rebooted" and one["state"] == "done" for one in host["steps"])
    if not rebooted and reboot.get("required") and host["state"] != "planned":
        found.append(f"a reboot is required{': ' + ', '.join(reboot['why']) if reboot['why'] else ''}")
    if not rebooted and reboot.get("advised"):
        found.append(f"a reboot is advised for {', '.join(reboot['advised'])}: never restarted by itself")
    if outcome.get("stale_left"):
        found.append(f"runs on replaced files, and is nobody's business here: {', '.join(outcome['stale_left'])}")
    for one in {one["step"]: one for one in host["steps"]}.values():
        if one["step"] in _BESIDE and one["state"] not in answers.GOOD:
            found.append(f"{one['step']}: {one['state']}{': ' + one['why'] if one['why'] else ''}")
    return list(dict.fromkeys(found))


def _next(host: Document) -> list[str]:
    """What a person has to do now."""
    if host["state"] == "begun":
        return ["start the same playbook again: it goes on here"]
    if host["state"] != "failed":
        return []
    outcome = host["outcome"] or {}
    found = []
    if any(
        one["state"] == "unreachable" or one["step"] == "rebooted" and one["state"] == "failed" for one in host["steps"]
    ):
        found.append("look at its console or its BMC: it has not come back")
    if outcome.get("half_configured"):
        found.append("finish what is half done there: dpkg --configure -a, after a look at the free space")
    if host["frozen"] and progress.touched(host) and not progress.went_back(host):
        back = frozen.back(host["frozen"]["packages"])
        names = [f"{name}={version}" for name, version in sorted(back.items())][:_MOST_TOLD]
        more = f" and {len(back) - _MOST_TOLD} more" if len(back) > _MOST_TOLD else ""
        found.append(f"go back by hand where that is wanted, to: {' '.join(names)}{more}")
    found.append("start the night again when that is done")
    return found
