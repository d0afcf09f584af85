# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule as a job of at: once, and gone when it has run. atd begins late what it missed; the program says no then.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

_LINE = "# mailops.triage schedule {0} begins at {1}"
_JOB = re.compile(r"^(\d+)\s")
_NUMBER = re.compile(r"^job (\d+) at ", re.M)
_MOST = 200


def check(here, kept):
    """Can it be had here?

    :raises Cannot: when not
    """
    if kept["once"] is None:
        raise Cannot("invalid", "at runs a thing once: give begin, or schedule it with timer")
    if not here.has("at") or not any(one.name == "atd" for one in procfs.scan("/proc").values()):
        raise Cannot("tool", "there is no at, or no atd runs: schedule it with timer")


def present(here, kept, start) -> bool:
    """Is there just the job that is meant?"""
    found = _jobs(here, kept)
    return len(found) == 1 and list(found.values())[0] == _script(kept, start)


def apply(here, kept, start):
    """Have the job, and no other of this name."""
    cancel(here, kept)
    when = time.strftime("%Y%m%d%H%M", time.gmtime(kept["once"]["begin"]))
    # The clock of UTC has no hour that comes twice.
    words = ["env", "TZ=UTC0", "at", "-t", when]
    result = here.run(words, input=_script(kept, start))
    if result.status != "ok" or result.rc or not _NUMBER.search(result.err.decode("utf-8", "replace")):
        raise Failed(here.said(["at"], result))


def cancel(here, kept):
    """Take every job of this name away."""
    for number in _jobs(here, kept):
        here.must(["atrm", number])


def stands(here, kept) -> bool:
    """Is there something to cancel?"""
    return bool(here.has("atq") and _jobs(here, kept))


def told(here, kept):
    """What at says of it, as a small dict."""
    found = sorted(_jobs(here, kept)) if here.has("atq") else []
    return {"active": bool(found), "job": found[0] if found else ""}


def diff(here, kept, start):
    """(before, after) as texts."""
    found = _jobs(here, kept) if here.has("atq") else {}
    return "".join(found[number] for number in sorted(found)), _script(kept, start)


def _jobs(here, kept):
    """The scripts of this schedule's jobs, by number."""
    mark, found = _LINE.format(kept["name"], ""), {}
    for line in here.must(["atq"]).splitlines()[:_MOST]:
        number = _JOB.match(line)
        if number is None:
            continue
        result = here.run(["at", "-c", number.group(1)])
        # Around the script stands what at has kept of the environment.
        head, sign, rest = result.out.decode("utf-8", "replace").partition("\n" + mark)
        if sign:
            found[number.group(1)] = mark + "".join(line + "\n" for line in rest.split("\n")[:2])
    return found


def _script(kept, start):
    """What the job does, as the user whose schedule it is."""
    words = (["runuser", "-u", kept["user"], "--"] if kept["user"] else []) + start
    return "{0}\nexec {1}\n".format(_LINE.format(kept["name"], kept["once"]["begin"]), " ".join(words))
