# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory errors: the kernel's EDAC counters since the boot, and what rasdaemon has kept.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import sysfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_CONTROLLERS, _MOST_DIMMS = 32, 128
_DATABASE = "/var/lib/rasdaemon/ras-mc_event.db"
_SECONDS, _MOST_ROWS, _DAYS = 1.0, 50000, 7


def edac(context):
    """The C(memory) part of the hardware facts: errors since the boot."""
    nothing: dict = {"corrected": None, "uncorrected": None, "dimms": None}
    top = context.path("/sys/devices/system/edac/mc")
    try:
        entries = sysfs.listing(top)
    except OSError as error:
        return sysfs.source(sysfs.UNSEEN, "%s: %s" % (top, error.strerror), **nothing)
    controllers = [name for name in entries or [] if name.startswith("mc") and name[2:].isdigit()]
    if not controllers:
        nothing["dimms"] = []
        return sysfs.source(sysfs.ABSENT, "the kernel watches no memory controller here", **nothing)
    corrected = uncorrected = 0
    dimms = []
    for name in controllers[:_MOST_CONTROLLERS]:
        folder = top + "/" + name
        corrected += sysfs.number(folder + "/ce_count") or 0
        uncorrected += sysfs.number(folder + "/ue_count") or 0
        for place in sysfs.listing(folder) or []:
            if place.startswith(("dimm", "rank")) and len(dimms) < _MOST_DIMMS:
                dimms.append(_dimm(name, place, folder + "/" + place))
    return sysfs.source(sysfs.PRESENT, corrected=corrected, uncorrected=uncorrected, dimms=dimms)


def _dimm(controller, place, folder):
    label = sysfs.text(folder + "/dimm_label") or sysfs.text(folder + "/dimm_location")
    return {
        "label": clean(label or "%s %s" % (controller, place), 80),
        "corrected": sysfs.number(folder + "/dimm_ce_count") or 0,
        "uncorrected": sysfs.number(folder + "/dimm_ue_count") or 0,
    }


def rasdaemon(context):
    """The C(ras) part of the hardware facts: the sums of the last days.

    A row stands for many errors, so the counts are summed; the number of rows says little.
    """
    nothing = {"corrected": None, "uncorrected": None, "labels": None, "machine_checks": None, "pcie_errors": None}
    path = context.path(_DATABASE)
    if not os.path.exists(path):
        return sysfs.source(sysfs.ABSENT, "rasdaemon keeps no record here", **nothing)
    try:
        import sqlite3
    except ImportError:
        return sysfs.source(sysfs.UNSEEN, "this Python has no sqlite3", **nothing)
    end = time.monotonic() + min(_SECONDS, context.left())
    try:
        # Immutable: neither a lock nor a journal file is touched, whatever rasdaemon does meanwhile.
        base = sqlite3.connect("file:%s?mode=ro&immutable=1" % path.replace("?", "%3f"), uri=True)
        try:
            base.set_progress_handler(lambda: int(time.monotonic() > end), 20000)
            return sysfs.source(sysfs.PRESENT, **read(base, context.now))
        finally:
            base.close()
    except sqlite3.Error as error:
        return sysfs.source(sysfs.UNSEEN, "%s: %s" % (_DATABASE, error), **nothing)


def read(base, now):
    """Sums of a database of rasdaemon.

    :param base: connection
    :param now: epoch seconds; the records of the last seven days count
    """
    tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    # Local time with an offset behind it; a day more or less does not matter here.
    since = time.strftime("%Y-%m-%d", time.localtime(now - _DAYS * 86400))
    sums, labels = {"corrected": 0, "uncorrected": 0}, {}
    if "mc_event" in tables:
        rows = base.execute(
            "SELECT err_type, label, SUM(err_count) FROM mc_event WHERE timestamp >= ? AND id > "
            "(SELECT COALESCE(MAX(id), 0) - ? FROM mc_event) GROUP BY err_type, label",
            (since, _MOST_ROWS),
        )
        for kind, label, count in rows.fetchmany(1000):
            word = "corrected" if str(kind).lower().startswith("corrected") else "uncorrected"
            sums[word] += int(count or 0)
            name = clean(label or "unknown", 80)
            labels[name] = labels.get(name, 0) + int(count or 0)
    worst = sorted(labels, key=lambda name: (-labels[name], name))[:8]
    return {
        "corrected": sums["corrected"],
        "uncorrected": sums["uncorrected"],
        "labels": [{"label": name, "errors": labels[name]} for name in worst],
        "machine_checks": _rows(base, tables, "mce_record", since),
        "pcie_errors": _rows(base, tables, "aer_event", since),
    }


def _rows(base, tables, table, since):
    if table not in tables:
        return 0
    return base.execute(
        "SELECT COUNT(*) FROM (SELECT 1 FROM %s WHERE timestamp >= ? LIMIT %d)" % (table, _MOST_ROWS), (since,)
    ).fetchone()[0]
