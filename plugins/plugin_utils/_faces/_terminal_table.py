# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of hosts in the terminal report: sick hosts first, crowds in one line.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _terminal_detail, _view, _words
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet, columns, pack, pad

# More than this many hosts are shown as a number and some names. (usual, verbose)
_SICK = (20, 200)
_CALM = (5, 200)


class _Plan(NamedTuple):
    """Columns of the table; services 0 means that they stand below the row, why 0 the same for the causes."""

    host: int
    site: int
    services: int
    why: int

    @property
    def left(self) -> int:
        """The columns before the services."""
        return 16 + self.host + 2 + (self.site + 2 if self.site else 0)


def table(sheet: Sheet, view: _view.Report, verbose: bool) -> None:
    """Add the table."""
    if not view.hosts:
        return
    inherited = [host for host in view.sick if host.inherited]
    crowd = inherited if len(inherited) > _CALM[verbose] else []
    sick = [host for host in view.sick if not (crowd and host.inherited)]
    calm = [view.of(name) for name in ("maintenance", "healthy")]
    rows = sick[: _SICK[verbose]]
    for some in calm:
        rows += some if len(some) <= _CALM[verbose] else ()
    sheet.blank()
    if rows:
        _rows(sheet, rows, len(view.hosts) == 1)
    if len(sick) > _SICK[verbose]:
        where = "index.html" if view.report_dir else "the report"
        sheet.para(f"and {len(sick) - _SICK[verbose]} more sick hosts: all are in {where}", "bold", 1, "+ ")
    for line in dict.fromkeys(host.lines for host in crowd):
        same = [host for host in crowd if host.lines == line]
        _crowd(sheet, same, f"{len(same)} {same[0].sign.word}, {'; '.join(line)}")
    for some in calm:
        if len(some) > _CALM[verbose]:
            _crowd(sheet, some, f"{len(some)} {'in ' if some[0].verdict == 'maintenance' else ''}{some[0].sign.word}")


def some_names(names: Sequence[str], most: int) -> str:
    """The first names, and how many more."""
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def sign(sheet: Sheet, of: _words.Sign) -> str:
    """The sign this sheet can show."""
    return of.ascii if sheet.plain else of.sign


def _crowd(sheet: Sheet, hosts: Sequence[_view.Host], words: str) -> None:
    names = some_names([host.name for host in hosts], 4)
    sheet.para(f"{words}: {names}", "", 1, f"{sign(sheet, hosts[0].sign)} ", hosts[0].verdict)


def _rows(sheet: Sheet, hosts: Sequence[_view.Host], only: bool) -> None:
    dot = " | " if sheet.plain else " · "
    services = [_terminal_detail.services(sheet, host) for host in hosts]
    plan = _plan(sheet, hosts, max(columns(dot.join(parts)) for parts in services))
    heads = pad(" Verdict", 16) + pad("Host", plan.host + 2) + (pad("Site", plan.site + 2) if plan.site else "")
    if plan.services:
        heads += pad("Mail services", plan.services + 2) + ("Why" if plan.why else "")
    sheet.raw(sheet.paint(heads.rstrip(), "dim"))
    for host, parts in zip(hosts, services):
        start = " " + sheet.paint(pad(f"{sign(sheet, host.sign)} {host.sign.word}", 13), host.verdict) + "  "
        start += sheet.paint(pad(sheet.fit(host.name, plan.host), plan.host), "bold" if host.sick else "") + "  "
        start += pad(sheet.fit(host.site, plan.site), plan.site) + "  " if plan.site else ""
        why = host.lines if host.sick or host.verdict == "maintenance" or only else ()
        if plan.why:
            _side_by_side(sheet, start, plan, pack(parts, dot, plan.services), why)
            continue
        lines = pack(parts, dot, plan.services or sheet.width - 6)
        sheet.raw(start + (lines[0] if plan.services else ""))
        for line in lines[1:] if plan.services else lines:
            sheet.raw(" " * (plan.left if plan.services else 5) + line)
        for line in why:
            arrow = "`- " if sheet.plain else "↳ "
            sheet.raw("   " + sheet.paint(arrow, "dim") + sheet.fit(line, sheet.width - 6))


def _side_by_side(sheet: Sheet, start: str, plan: _Plan, services: Sequence[str], why: Sequence[str]) -> None:
    """One row of a wide table, as high as its higher cell."""
    for index in range(max(len(services), len(why))):
        left = services[index] if index < len(services) else ""
        right = sheet.fit(why[index], plan.why) if index < len(why) else ""
        sheet.raw((" " * plan.left if index else start) + pad(left, plan.services + 2) + right)


def _plan(sheet: Sheet, hosts: Sequence[_view.Host], longest: int) -> _Plan:
    """Share the width out: names first, then services, then causes in what is left."""
    name = max(columns(sheet.text(host.name)) for host in hosts)
    site = max(columns(sheet.text(host.site)) for host in hosts)
    if sheet.width < 50:
        return _Plan(min(name, sheet.width - 16), 0, 0, 0)
    plan = _Plan(min(max(4, name), max(12, sheet.width // 4)), min(max(4, site), sheet.width // 8) if site else 0, 0, 0)
    rest = sheet.width - plan.left
    if rest < 26:
        return plan
    services = max(13, min(longest, rest // 2))
    if rest - services - 2 >= 44:
        return plan._replace(services=services, why=rest - services - 2)
    return plan._replace(services=rest)
