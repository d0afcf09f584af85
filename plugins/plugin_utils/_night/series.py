# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the fleet from outside all night long, in a process of its own.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Tasks of a play come one after the other, and a probe between two of them would miss what happens during one. So the
run leaves a process behind that probes at a steady pace from every vantage point, and writes after each look what it
has seen so far. It ends when it is told to, when the run that began it is gone, or after half a day.
"""

from __future__ import annotations

import json
import os
import sys
import time
import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._night import runner
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy.tracker import Tracker

Document = dict[str, t.Any]
Look = Callable[[], dict[str, Document]]

_LONGEST_S = 12 * 3600.0
_SLICE_S = 0.25
_SHAKY_S = 0.5
"""After a look that failed the next one comes sooner: two in a row make an outage."""
_MOST_OUTAGES = 500


class Series:
    """A series of looks and its file.

    :param folder: of the night's series
    :param name: of this one
    """

    def __init__(self, folder: str | Path, name: str) -> None:
        self._recording = Recording(folder)
        self._file = f"{name}.json"
        self._end = self._recording.path / f"{name}.end"

    def read(self) -> Document | None:
        """What it has seen so far; None before its first look.

        :raises RecordingError: when the file is there and cannot be used
        """
        return self._recording.read(self._file) if (self._recording.path / self._file).exists() else None

    def end(self, patience: float) -> Document | None:
        """Tell it to end and wait for that; answers with what it has seen.

        :param patience: seconds
        """
        self._end.touch()
        until = time.monotonic() + patience
        while True:
            seen = self.read()
            if seen is None or seen["ended"] is not None or not runner.alive(seen["pid"], seen["started"]):
                return seen
            if time.monotonic() >= until:
                return seen
            time.sleep(_SLICE_S)

    def begin(self, look: Look, every: float, parent: int) -> int:
        """Leave a process behind that looks again and again.

        :param look: sweeps everything once
        :param every: seconds from the begin of one look to that of the next
        :param parent: the process without which nobody needs this
        :returns: its number
        """
        reading, writing = os.pipe()
        middle = os.fork()
        if middle == 0:
            # A grandchild: nobody has to wait for it.
            os.close(reading)
            os.setsid()
            child = os.fork()
            if child:
                os.write(writing, str(child).encode("ascii"))
                os._exit(0)
            self._live(look, every, parent)
        os.close(writing)
        os.waitpid(middle, 0)
        with os.fdopen(reading, "rb") as stream:
            return int(stream.read() or b"0")

    def _live(self, look: Look, every: float, parent: int) -> t.NoReturn:
        """The life of the process; it never comes back to the code of the run."""
        code = 1
        try:
            _let_go()
            self._look_on(look, every, parent, runner.started(parent))
            code = 0
        except (OSError, RecordingError):
            # Without its file it has nobody to tell; the report says that the series breaks off.
            code = 1
        finally:
            os._exit(code)

    def _look_on(self, look: Look, every: float, parent: int, born: str | None) -> None:
        tracker = Tracker()
        began = time.time()
        state: Document = {
            "began": round(began, 3),
            "every": every,
            "pid": os.getpid(),
            "started": runner.started(os.getpid()),
            "longest_gap": 0.0,
            "ended": None,
            "why_ended": None,
        }
        last: float | None = None
        while True:
            at, steady = time.time(), time.monotonic()
            views = look()
            tracker.see(at, views)
            if last is not None:
                state["longest_gap"] = max(state["longest_gap"], round(at - last, 2))
            last = at
            why = self._over(began, parent, born)
            if not why:
                self._recording.write(self._file, {**state, **_seen(tracker, views, at)})
                shaky = any(service.shaky for service in tracker.services.values())
                pause = min(every, _SHAKY_S) if shaky else every
                why = self._wait(steady + pause, began, parent, born)
            if why:
                state.update(ended=round(time.time(), 3), why_ended=why)
                self._recording.write(self._file, {**state, **_seen(tracker, views, at)})
                return

    def _wait(self, until: float, began: float, parent: int, born: str | None) -> str:
        while (left := until - time.monotonic()) > 0:
            why = self._over(began, parent, born)
            if why:
                return why
            time.sleep(min(_SLICE_S, left))
        return ""

    def _over(self, began: float, parent: int, born: str | None) -> str:
        if self._end.exists():
            return "told"
        if not runner.alive(parent, born):
            return "orphaned"
        return "overdue" if time.time() - began > _LONGEST_S else ""


def _let_go() -> None:
    """Give back everything that belongs to the run: its terminal, its pipes, its queues."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    # What a connection would like to say goes nowhere, and not into the queue of the run.
    Display()._final_q = None
    os.closerange(3, min(os.sysconf("SC_OPEN_MAX"), 65536))
    sys.stdin = open(os.devnull, encoding="utf-8")
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")


def _seen(tracker: Tracker, views: dict[str, Document], at: float) -> Document:
    """What a series has seen: outages by host, and which ways have ever been well."""
    outages: dict[str, list[Document]] = {}
    well: dict[str, dict[str, list[str]]] = {}
    for (host, vantage, protocol), service in sorted(tracker.services.items()):
        if protocol == "ssh":
            continue
        if service.ok or service.ok_since is not None or any(one["to"] is not None for one in service.outages):
            well.setdefault(host, {}).setdefault(vantage, []).append(protocol)
        elif service.outages and service.outages[0]["from"] > at:
            continue
        for one in service.outages[-_MOST_OUTAGES:]:
            outages.setdefault(host, []).append({"protocol": protocol, "seen_from": vantage, **one})
    return {
        "last": round(at, 3),
        "looks": tracker.looks,
        "vantages": {name: clean(view.get("error") or "", 200) for name, view in views.items()},
        "outages": outages,
        "well": well,
    }


def load(folder: str | Path) -> list[Document]:
    """All series of a night, in the order of time; a file that cannot be used is left out."""
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            one = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(one, dict) and isinstance(one.get("began"), (int, float)):
            found.append(one)
    return sorted(found, key=lambda one: one["began"])
