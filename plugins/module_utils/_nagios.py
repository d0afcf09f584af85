# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as Nagios, Icinga and their kin read it: a state, one line, more lines, and figures.

It is used by C(extensions/nagios/check_mail_triage), which runs where there is no Ansible, and by the action plugin
C(report). The whole report is somebody else's text until it has gone through C(tame).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import argparse
import json
import os
import sys
import time
from collections import namedtuple

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
SERVICE = "mail triage"
SCHEMA = "mailops.triage/report/1"

_CODES = {"healthy": OK, "maintenance": OK, "degraded": WARNING, "down": CRITICAL, "unknown": UNKNOWN}
_RANK = (OK, UNKNOWN, WARNING, CRITICAL)
_VERDICTS = ("down", "degraded", "unknown", "maintenance", "healthy")
_SEVERITIES = ("critical", "major", "minor", "info")
# A command of Nagios's command file must go through the pipe in one piece: 4096 bytes on Linux.
_LINE = 600
_MOST = 20

# What could end the text of a check, or mean something to the shell that a notification is sent by.
_HARMFUL = {ord(char): " " for char in '`$&<>~"\\'}
_HARMFUL.update({ord("|"): "/", ord(";"): ",", ord("'"): "\u2019"})

Check = namedtuple("Check", "code line more figures")


class ReportError(Exception):
    """There is no report that could be told of; the message says why."""


def tame(value, limit: int = 200) -> str:
    """Make one bounded line of a text from outside, without any character that Nagios or a shell takes for its own."""
    text = str(value)[: 4 * limit].translate(_HARMFUL)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def host(report, name: str) -> Check:
    """One host of a report.

    :raises ReportError: when the report does not have it
    """
    found = _mapping(_mapping(report.get("hosts")).get(name))
    if not found:
        raise ReportError("the report has no host '{0}'".format(tame(name)))
    causes = _causes(found)
    code = _CODES.get(_text(found.get("verdict")), UNKNOWN)
    if code == WARNING and any(cause.get("severity") == "critical" for cause in causes):
        code = CRITICAL
    titles = [tame(cause.get("title", "")) for cause in causes]
    told = ", ".join(titles[:3]) if code != OK else ""
    if len(titles) > 3:
        told += ", and {0} more".format(len(titles) - 3)
    line = "{0}: {1}".format(tame(found.get("verdict", "unknown"), 20), told or tame(found.get("summary", "")))
    more = [_cause_line(cause) for cause in causes[:_MOST]]
    good, tried = _reach(found)
    figures = [_figure(severity, _count(causes, severity)) for severity in _SEVERITIES]
    figures.append(_figure("answers", good, most=tried))
    return Check(code, tame(line, _LINE), more, figures)


def fleet(report) -> Check:
    """All hosts of a report; the worst one counts.

    :raises ReportError: when there is none
    """
    names = sorted(_mapping(report.get("hosts")))
    if not names:
        raise ReportError("the report has no hosts")
    whole = _mapping(report.get("fleet"))
    checks = [(host(report, name), name) for name in names if _mapping(report["hosts"][name])]
    code = max((check.code for check, dummy in checks), key=_RANK.index, default=UNKNOWN)
    verdicts = [_text(_mapping(one).get("verdict")) for one in report["hosts"].values()]
    counts = [(verdict, verdicts.count(verdict)) for verdict in _VERDICTS]
    line = ", ".join("{1} {0}".format(*pair) for pair in counts if pair[1]) or "{0} hosts".format(len(names))
    line += ": " + tame(whole["summary"], 300) if whole.get("summary") else ""
    causes = _causes(whole)
    more = ["across hosts: " + _cause_line(cause) for cause in causes[:_MOST]]
    sick = sorted(
        ((check, name) for check, name in checks if check.code != OK), key=lambda pair: -_RANK.index(pair[0].code)
    )
    more += ["{0} {1}: {2}".format(WORDS[check.code], tame(name), check.line) for check, name in sick[:_MOST]]
    if len(sick) > _MOST:
        more.append("and {0} more hosts".format(len(sick) - _MOST))
    figures = [_figure("hosts", len(names))] + [_figure(verdict, count) for verdict, count in counts]
    all_causes = causes + [cause for one in report["hosts"].values() for cause in _causes(_mapping(one))]
    figures += [_figure(severity, _count(all_causes, severity)) for severity in _SEVERITIES]
    took = _number(_mapping(report.get("run")).get("finished")) - _number(_mapping(report.get("run")).get("started"))
    figures.append("took={0:.1f}s;;;0".format(max(took, 0.0)))
    return Check(code, tame(line, _LINE), more, figures)


def output(check) -> str:
    """What a plugin prints: the line with the figures, and the other lines."""
    first = "MAIL {0} - {1}".format(WORDS[check.code], check.line)
    first += " | " + " ".join(check.figures) if check.figures else ""
    return "\n".join([first] + check.more) + "\n"


def passive(report, service: str = SERVICE):
    """Results for Nagios's external command file, one line for each host.

    :returns: list of lines, each shorter than a pipe takes in one piece
    """
    when = int(_number(_mapping(report.get("run")).get("finished")))
    lines = []
    for name, check in _each(report):
        said = "{0} - {1} | {2}".format(WORDS[check.code], check.line, " ".join(check.figures))
        target = "{0};{1};{2}".format(tame(name), tame(service), check.code)
        lines.append("[{0}] PROCESS_SERVICE_CHECK_RESULT;{1};{2}\n".format(when, target, said))
    return lines


def icinga2(report, service: str = SERVICE):
    """Bodies for C(POST /v1/actions/process-check-result) of Icinga 2, one for each host.

    Names go as variables of the filter, so nothing in them is part of an expression.
    """
    run = _mapping(report.get("run"))
    return [
        {
            "type": "Service",
            "filter": "host.name == wanted_host && service.name == wanted_service",
            "filter_vars": {"wanted_host": name, "wanted_service": service},
            "exit_status": check.code,
            "plugin_output": "\n".join(["{0} - {1}".format(WORDS[check.code], check.line)] + check.more),
            "performance_data": check.figures,
            "execution_start": _number(run.get("started")),
            "execution_end": _number(run.get("finished")),
        }
        for name, check in _each(report)
    ]


def newest(place: str):
    """Read a report: a C(triage.json), the directory it lies in, or the newest one of the directories below.

    :raises ReportError: when there is none, or it cannot be read
    """
    path = place
    if os.path.isdir(place):
        path = os.path.join(place, "triage.json")
        if not os.path.exists(path):
            path = _latest(place)
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    except OSError as exc:
        raise ReportError("{0}: {1}".format(path, exc.strerror or exc)) from exc
    except (ValueError, RecursionError) as exc:
        raise ReportError("{0}: this is no JSON".format(path)) from exc
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise ReportError("{0}: this is no report of mailops.triage".format(path))
    return report


def _latest(place: str) -> str:
    """The newest C(triage.json) one level below a directory."""
    found = []
    try:
        for name in os.listdir(place):
            path = os.path.join(place, name, "triage.json")
            try:
                found.append((os.stat(path).st_mtime, path))
            except PermissionError as exc:
                # Reports are for their owner only. That the newest one may be hidden must not pass for its absence.
                text = "{0}: permission denied; run the check as the owner of the reports"
                raise ReportError(text.format(path)) from exc
            except OSError:
                continue
    except OSError as exc:
        raise ReportError("{0}: {1}".format(place, exc.strerror or exc)) from exc
    if not found:
        raise ReportError("{0}: no report of mailops.triage lies here".format(place))
    return max(found)[1]


def _each(report):
    """Name and check of every host that the report tells something of."""
    hosts = _mapping(report.get("hosts"))
    return [(name, host(report, name)) for name in sorted(hosts) if _mapping(hosts[name])]


def _causes(found):
    """The root causes among the findings of a host or of the fleet, the worst first."""
    findings = found.get("findings")
    causes = [
        one
        for one in (findings if isinstance(findings, list) else [])
        if isinstance(one, dict) and one.get("kind") == "root_cause"
    ]
    return sorted(causes, key=_rank)


def _rank(cause) -> int:
    severity = cause.get("severity")
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _cause_line(cause) -> str:
    words = [tame(cause.get(name) or "", 80) for name in ("severity", "id")]
    return "{0} {1}: {2}".format(words[0], words[1], tame(cause.get("title") or ""))


def _count(causes, severity: str) -> int:
    return sum(cause.get("severity") == severity for cause in causes)


def _reach(found):
    """How many of the answers that the host should give were given, and how many were asked for."""
    expected = found.get("expected")
    wanted = {one for one in (expected if isinstance(expected, list) else []) if isinstance(one, str)}
    tried = [
        outcome
        for answers in _mapping(found.get("reach")).values()
        for protocol, outcome in _mapping(answers).items()
        if protocol in wanted and outcome != "skipped"
    ]
    return tried.count("ok"), len(tried)


def _figure(label: str, value: int, most=None) -> str:
    """One figure as Nagios writes it: label=value;warn;crit;min;max."""
    return "{0}={1};;;0".format(label, value) + ("" if most is None else ";{0}".format(most))


def _mapping(value):
    return value if isinstance(value, dict) else {}


def _text(value) -> str:
    return value if isinstance(value, str) else ""


def _number(value) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    return float(value) if good else 0.0


class _Parser(argparse.ArgumentParser):
    """A typing error must not pass for CRITICAL, which is what argparse's own exit status would mean."""

    def error(self, message):
        raise ReportError("{0}; see --help".format(message))


def _parser():
    parser = _Parser(
        prog="check_mail_triage", description="Tell Nagios or Icinga what the newest report of mailops.triage says."
    )
    parser.add_argument(
        "reports",
        nargs="?",
        default="/var/lib/mailops-triage/reports",
        help="a report, its directory, or the directory in which report directories lie (default: %(default)s)",
    )
    parser.add_argument("-H", "--host", help="tell of this host only, by its name in the inventory")
    parser.add_argument(
        "-a", "--max-age", type=float, default=60.0, help="minutes after which a report tells nothing (%(default)s)"
    )
    parser.add_argument(
        "--passive", action="store_true", help="print results of all hosts for the external command file instead"
    )
    parser.add_argument(
        "--icinga2", action="store_true", help="print them as bodies for Icinga's API instead, one in a line"
    )
    parser.add_argument("--service", default=SERVICE, help="name of the service of those results (%(default)s)")
    return parser


def main(arguments=None) -> int:
    """Print what was asked for and return the state, which is the exit status."""
    try:
        options = _parser().parse_args(arguments)
        report = newest(options.reports)
        age = (time.time() - _number(_mapping(report.get("run")).get("finished"))) / 60
        if age > options.max_age:
            text = "the newest report is {0:.0f} minutes old, and {1:.0f} are allowed"
            raise ReportError(text.format(age, options.max_age))
        if options.passive or options.icinga2:
            bodies = [json.dumps(body, sort_keys=True) + "\n" for body in icinga2(report, options.service)]
            _print("".join(bodies if options.icinga2 else passive(report, options.service)))
            return OK
        check = host(report, options.host) if options.host else fleet(report)
    except ReportError as exc:
        check = Check(UNKNOWN, tame(exc, _LINE), [], [])
    _print(output(check))
    return check.code


def _print(text: str) -> None:
    """Print whatever the locale: Nagios starts its plugins with none."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


if __name__ == "__main__":
    raise SystemExit(main())
