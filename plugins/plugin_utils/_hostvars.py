# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of other hosts, read cheaply.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

C(hostvars[host]) templates whatever is touched with all variables of the host at hand; for a thousand hosts only
what is needed is looked up, and templated only where it is a template.
"""

from __future__ import annotations

import typing as t

Variables = dict[str, t.Any]


class Reader:
    """Reads variables of hosts on behalf of one task.

    :param task_vars: of the task
    :param templar: of the action plugin
    """

    def __init__(self, task_vars: Variables, templar: t.Any) -> None:
        self._hostvars = task_vars["hostvars"]
        self._templar = templar

    def read(self, host: str, names: t.Iterable[str]) -> Variables:
        """The named variables of a host; one that is not set is None."""
        raw = self._hostvars.raw_get(host)
        return {name: self._value(host, name, raw) for name in names}

    def connection(self, host: str) -> Variables:
        """All variables that steer connections to a host.

        They are single values. What is not, such as C(ansible_eda) with the text of somebody's alert, is not looked at,
        for looking at it would template it.
        """
        raw = self._hostvars.raw_get(host)
        return {name: self._value(host, name, raw) for name, value in raw.items() if _steers(name, value)}

    def _value(self, host: str, name: str, raw: Variables) -> t.Any:
        value = raw.get(name)
        if isinstance(value, (str, list, dict)) and self._templar.is_template(value):
            return self._hostvars[host][name]
        return value


_MAGIC = ("ansible_eda", "ansible_facts", "ansible_play", "ansible_version", "ansible_check_mode", "ansible_diff_mode")


def _steers(name: str, value: t.Any) -> bool:
    return name.startswith("ansible_") and not name.startswith(_MAGIC) and isinstance(value, (str, int, float))
