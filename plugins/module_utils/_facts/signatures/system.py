# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd, the loggers and the watchers of hardware and of logins say.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import sign

TABLE = (
    sign("logger_enospc", "system", "rsyslogd", "No space left on device", r".*write error.*No space left on device"),
    sign(
        "crash_loop",
        "system",
        "systemd",
        ("Start request repeated too quickly", "restart counter is at"),
        r"(?P<key>\S+): (?:Start request repeated too quickly"
        r"|Scheduled restart job, restart counter is at \d+)",
    ),
    sign(
        "start_limit_hit",
        "system",
        "systemd",
        ("Start request repeated too quickly", "start-limit-hit"),
        r"(?P<key>\S+): (?:Start request repeated too quickly|Failed with result 'start-limit-hit')",
    ),
    sign(
        "unit_oom",
        "system",
        "systemd",
        ("killed by the OOM killer", "result 'oom-kill'"),
        r"(?P<key>\S+): (?:A process of this unit has been killed by the OOM killer"
        r"|Failed with result 'oom-kill')",
    ),
    sign(
        "unit_died",
        "system",
        "systemd",
        "ain process exited, code=",
        r"(?P<key>\S+): Main process exited, code=(?:killed|dumped|exited), status=(?!0/)\S+",
    ),
    sign(
        "unit_crashed",
        "system",
        "systemd",
        ("/SEGV", "/ABRT", "/BUS", "/ILL", "/FPE", "code=dumped"),
        r"(?P<key>\S+): Main process exited, code=(?:dumped, status=\S+|killed, status=\d+/(?:SEGV|ABRT"
        r"|BUS|ILL|FPE))",
    ),
    sign("unit_watchdog", "system", "systemd", "Watchdog timeout", r"(?P<key>\S+): Watchdog timeout"),
    sign("coredump", "system", "coredump", "dumped core", r"Process \d+ \((?P<key>[^)]*)\) of user \d+ dumped core"),
    sign(
        "unclean_shutdown",
        "system",
        "journald",
        "uncleanly shut down",
        r"File (?P<key>\S+) corrupted or uncleanly shut down",
    ),
    sign(
        "smartd_warning",
        "system",
        "smartd",
        ("pending) sectors", "uncorrectable sectors", "FAILED", "ailing", "Prefailure"),
        r"Device: (?P<key>/dev/[^\s,]+)[^,]*, (?:\d+ (?:Currently unreadable|Offline uncorrectable)"
        r"|FAILED SMART|Failed SMART|SMART (?:Failure|Prefailure)|.*[Ff]ailing|Critical Warning)",
    ),
    sign(
        "mdadm_event",
        "system",
        "mdadm",
        "event detected on md device",
        r"(?:Fail|FailSpare|DegradedArray"
        r"|DeviceDisappeared)\w* event detected on md device (?P<key>[^\s,]+)",
    ),
    sign("banned", "system", "fail2ban", "Ban ", r"(?:[A-Z]+ +)?\[[^\]]*\] Ban (?P<key>[0-9A-Fa-f.:]+)"),
)
