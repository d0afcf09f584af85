# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a remedy tells of itself: every step with its time, and one answer at the end.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST = 100


class Record(object):
    """The growing answer of one remedy.

    :param action: name of the remedy
    :param subject: what it is about
    """

    def __init__(self, action, subject):
        self.action, self.subject = action, clean(subject, 200)
        self.steps, self.notes, self.before, self.after, self.evidence = [], [], {}, {}, {}
        self.changed = False

    def step(self, what, result):
        """One thing that was done, and how it came out."""
        if len(self.steps) < _MOST:
            self.steps.append({"at": round(time.time(), 3), "what": clean(what, 200), "result": clean(result, 300)})

    def note(self, text):
        """A remark that changes nothing."""
        text = clean(text, 400)
        if text not in self.notes and len(self.notes) < _MOST:
            self.notes.append(text)

    def answer(self, state, code="", why="", retry_at=None):
        """The whole answer.

        :param state: planned, done, refused, failed or nothing
        """
        return {
            "changed": self.changed or state == "planned",
            "action": self.action,
            "subject": self.subject,
            "state": state,
            "code": code,
            "why": clean(why, 600),
            "retry_at": retry_at,
            "steps": self.steps,
            "notes": self.notes,
            "before": self.before,
            "after": self.after,
            "evidence": self.evidence,
        }
