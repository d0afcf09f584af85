# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks: what they say of themselves, by smartctl's JSON and the bit mask of its exit status.

Nothing is written and no self-test is started; a disk that sleeps stays asleep. A non-zero exit status is the
normal answer of a sick disk, and no failure of the look.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import re
import threading

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import sysfs
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import OutOfTime
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_DISKS, _AT_ONCE, _SECONDS = 32, 4, 5.0
_PHYSICAL = re.compile(r"(?:sd[a-z]+|hd[a-z]|nvme\d+n\d+)$")
_VIRTUAL = re.compile(r"QEMU|VMware|VBOX|Msft|Virtual|Xen|Google|Amazon Elastic", re.IGNORECASE)
# Bits 1 and 2 say that the disk could not be asked (asleep, no such command), 3 and above what it answered.
_BITS = {
    3: "failing",
    4: "prefail_now",
    5: "prefail_past",
    6: "error_log",
    7: "selftest_failed",
}
_ATTRIBUTES = {5: "reallocated", 197: "pending", 198: "uncorrectable", 199: "crc_errors"}


def collect(context):
    """The C(disks) part of the hardware facts."""
    try:
        blocks = sysfs.listing(context.path("/sys/block"), 4096)
    except OSError as error:
        return sysfs.source(sysfs.UNSEEN, "/sys/block: %s" % error.strerror, devices=None)
    if blocks is None:
        return sysfs.source(sysfs.UNSEEN, "there is no /sys/block", devices=None)
    own = [name for name in blocks if _PHYSICAL.match(name) and not _virtual(context, name)]
    if not own:
        return sysfs.source(sysfs.ABSENT, "no physical disk here", devices=[])
    if _run.find_program("smartctl") is None:
        return sysfs.source(sysfs.UNSEEN, "smartctl is not installed (package smartmontools)", devices=None)
    wanted = scan(context) or [("/dev/" + re.sub(r"n\d+$", "", name), None) for name in own]
    devices = _ask(context, wanted[:_MOST_DISKS])
    if len(wanted) > _MOST_DISKS:
        context.note("hardware", "%d disks, %d of them asked" % (len(wanted), _MOST_DISKS))
    return sysfs.source(sysfs.PRESENT, devices=devices)


def _virtual(context, name):
    folder = context.path("/sys/block/%s/device/" % name)
    return bool(_VIRTUAL.search(sysfs.text(folder + "vendor") + " " + sysfs.text(folder + "model")))


def scan(context):
    """(device, type) of each disk that smartctl finds, also behind RAID controllers."""
    answer = _json(context.run(["smartctl", "--scan", "--json=c"], 3.0).out)
    found = []
    for entry in answer.get("devices") or []:
        if isinstance(entry, dict) and str(entry.get("name", "")).startswith("/dev/"):
            found.append((str(entry["name"]), str(entry["type"]) if entry.get("type") else None))
    return found


def _ask(context, wanted):
    records, waiting = [None] * len(wanted), list(enumerate(wanted))
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                place, (device, kind) = waiting.pop(0)
            records[place] = look(context, device, kind)

    threads = [threading.Thread(target=work) for dummy in range(min(_AT_ONCE, len(wanted)))]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join(context.left())
    return [record or unread(wanted[place][0], "timeout") for place, record in enumerate(records)]


def look(context, device, kind):
    """The record of one disk."""
    # Through a SCSI translation (-d sat) or a controller the type has to be said again; "scsi" may hide a SATA disk.
    typed = ["-d", kind] if kind and kind not in ("scsi", "ata", "nvme") else []
    command = ["smartctl", "--json=c", "-n", "standby", "-i", "-H", "-A", "-l", "error"] + typed + [device]
    try:
        result = context.run(command, _SECONDS, 1 << 20)
    except OutOfTime:
        return unread(device, "timeout")
    if result.status != "ok":
        return unread(device, result.status)
    return parse(device, result.out)


def _json(out):
    try:
        answer = json.loads(out.decode("utf-8", "replace"))
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def unread(device, status):
    """A disk that could not be asked."""
    return {
        "device": clean(device, 80),
        "model": None,
        "serial": None,
        "answer": status,
        "says": [],
        "passed": None,
        "failing": [],
        "reallocated": None,
        "pending": None,
        "uncorrectable": None,
        "crc_errors": None,
        "media_errors": None,
        "critical_warning": None,
        "percentage_used": None,
        "available_spare": None,
        "available_spare_threshold": None,
        "grown_defects": None,
        "errors_logged": None,
        "temperature": None,
        "power_on_hours": None,
    }


def parse(device, out):
    """One smartctl --json document as a record.

    C(answer) is C(read), C(standby), C(unsupported) or C(failed); C(says) are the bits of the exit status by name.
    """
    found = _json(out)
    record = unread(device, "failed")
    mask = _dig(found, "smartctl", "exit_status")
    if not isinstance(mask, int):
        return record
    record["model"] = _text(found.get("model_name") or found.get("scsi_model_name"))
    record["serial"] = _text(found.get("serial_number"))
    record["passed"] = _dig(found, "smart_status", "passed") if "smart_status" in found else None
    record["says"] = [_BITS[bit] for bit in sorted(_BITS) if mask & 1 << bit]
    said = " ".join(
        str(message.get("string", ""))
        for message in _dig(found, "smartctl", "messages") or []
        if isinstance(message, dict)
    )
    if "STANDBY" in said or "SLEEP" in said:
        record["answer"] = "standby"
    elif record["passed"] is None and not record["says"] and mask & 0b111:
        record["answer"] = "unsupported" if "support" in said or "Unable to detect" in said else "failed"
    else:
        record["answer"] = "read"
    _ata(record, found)
    _nvme(record, found.get("nvme_smart_health_information_log"))
    record["grown_defects"] = _whole(found.get("scsi_grown_defect_list"))
    record["temperature"] = _whole(_dig(found, "temperature", "current"))
    record["power_on_hours"] = _whole(_dig(found, "power_on_time", "hours"))
    return record


def _ata(record, found):
    for row in (_dig(found, "ata_smart_attributes", "table") or [])[:64]:
        if not isinstance(row, dict):
            continue
        name = _ATTRIBUTES.get(row.get("id"))
        if name:
            # The upper bytes of a raw value are the maker's own; the count is in the lower four.
            raw = _whole(_dig(row, "raw", "value"))
            record[name] = raw & 0xFFFFFFFF if raw is not None else None
        if row.get("when_failed") in ("now", "FAILING_NOW"):
            record["failing"].append(clean(row.get("name", row.get("id")), 60))
    for log in ("summary", "extended"):
        count = _whole(_dig(found, "ata_smart_error_log", log, "count"))
        if count is not None:
            record["errors_logged"] = count


def _nvme(record, log):
    if not isinstance(log, dict):
        return
    for name in ("critical_warning", "media_errors", "percentage_used", "available_spare", "available_spare_threshold"):
        record[name] = _whole(log.get(name))
    record["errors_logged"] = _whole(log.get("num_err_log_entries"))


def _dig(value, *keys):
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _whole(value):
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value):
    return clean(value, 80) if value else None
