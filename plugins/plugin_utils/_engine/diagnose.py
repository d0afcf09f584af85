# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recording to a report: the whole diagnosis, without a host at hand.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The same recording and rules always give the same report: the only clock is the time that the recording names.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import document as host_document
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import fleet as fleet_document
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import history
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.evaluate import judge
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.hardware import HardwareError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.maintenance import MaintenanceError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.protocols import UnknownRoleError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import Rule
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.select import Selection, select
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.symptoms import served_otherwise, symptoms
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.users import users
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.verdict import Verdict, verdict
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.agree import agree
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.reported import reported

Document = dict[str, t.Any]

SCHEMA = "mailops.triage/report/1"
_WORST_FIRST = ("down", "degraded", "unknown", "maintenance", "healthy")


class InventoryError(ValueError):
    """A host variable that the diagnosis cannot use; the message names the host."""


def diagnose(run: Document, sweep: Document, hosts: dict[str, Document], rules: list[Rule]) -> Document:
    """Judge a fleet.

    :param run: run metadata; C(started) in epoch seconds is "now" for ages and certificates; C(symptom) and C(affected)
        are what a user reported, when somebody did; C(parts) is what the run was merged from, when it was
    :param sweep: C(vantages): for each vantage point its probe result, or C(error)
    :param hosts: each host's part of the recording; its C(seen_at), where another part of the run saw it at another
        time, is "now" for it
    :returns: the report, but for what only the caller knows (when the run was finished)
    :raises InventoryError: naming host and variable
    """
    now = run["started"]
    documents = join(run, sweep, hosts)
    past = run.get("history") or {}
    host_rules = [rule for rule in rules if rule.level == "host"]
    judged = {name: _judge_host(document, host_rules) for name, document in documents.items()}
    fleet_rules = [rule for rule in rules if rule.level == "fleet"]
    fleet_findings = judge(fleet_rules, fleet_document.build(documents, now)).findings
    for finding in fleet_findings:
        finding["kind"] = "root_cause" if finding["kind"] == "fault" else finding["kind"]
    report_hosts = {}
    for name, (selection, not_judged) in judged.items():
        selection = _explain_from_above(name, selection, fleet_findings)
        history.mark(selection.findings, past.get(name), documents[name]["run"]["now"], documents[name]["patches"])
        report_hosts[name] = _host(hosts[name], documents[name], selection, not_judged)
    told = {key: value for key, value in run.items() if key not in ("symptom", "affected", "history", "between")}
    report = {
        "schema": SCHEMA,
        "run": {**told, "vantage_points": _vantage_points(sweep)},
        "fleet": _fleet(run, report_hosts, documents, fleet_findings),
        "hosts": report_hosts,
        "symptom": None,
    }
    if run.get("symptom"):
        report["symptom"] = agree(run["symptom"], run.get("affected"), report, _logged_in(sweep))
    return report


def join(run: Document, sweep: Document, hosts: dict[str, Document]) -> dict[str, Document]:
    """The documents that host rules search, in the order of the hosts' names.

    :raises InventoryError: naming host and variable
    """
    usable = {name: seen for name, seen in sweep["vantages"].items() if "error" not in seen}
    documents: dict[str, Document] = {}
    for name, record in sorted(hosts.items()):
        seen_from = {vantage: seen["hosts"][name] for vantage, seen in usable.items() if name in seen["hosts"]}
        now = record.get("seen_at") or run["started"]
        try:
            documents[name] = host_document.build(name, record, seen_from, now)
        except (HardwareError, MaintenanceError, UnknownRoleError) as exc:
            raise InventoryError(f"host '{name}': {exc}") from exc
        documents[name]["leaks"] = history.leaks(documents[name]["memory"], (run.get("history") or {}).get(name), now)
        documents[name]["reported"] = reported(run)
        documents[name]["symptoms"] = symptoms(documents[name])
        documents[name]["users"] = users(documents[name])
    fleet_document.siblings(documents)
    return documents


def _logged_in(sweep: Document) -> set[str]:
    """The protocols at which some vantage point tried a login."""
    return {
        service["protocol"]
        for seen in sweep["vantages"].values()
        for host in seen.get("hosts", {}).values()
        for service in host.get("services", [])
        if any(rung["rung"] in ("auth", "login") for rung in service.get("rungs", []))
    }


def _judge_host(document: Document, rules: list[Rule]) -> tuple[Selection, list[Document]]:
    judgement = judge(rules, document)
    selection = select(judgement.findings, document["symptoms"])
    if document["inventory"]["maintenance"]["active"]:
        # An operator is at work: what is wrong now is (taken for) what the operator does, and nothing is done about it.
        for finding in selection.findings:
            if finding["kind"] == "root_cause":
                finding["kind"] = "symptom"
                finding["explained_by"] = ["operator.maintenance"]
            finding["remedy"]["auto"] = False
        selection = Selection(selection.findings, [])
    return selection, judgement.not_judged


def _explain_from_above(name: str, selection: Selection, fleet_findings: list[Document]) -> Selection:
    """What a finding about the fleet explains is no root cause of a single host."""
    causes = [
        {**finding, "kind": "fault"}
        for finding in fleet_findings
        if finding["kind"] == "root_cause" and name in finding["hosts"]
    ]
    if not causes:
        return selection
    again = select(
        [*causes, *({**finding, "kind": _before(finding)} for finding in selection.findings)],
        selection.unexplained,
    )
    return Selection([finding for finding in again.findings if finding not in causes], again.unexplained)


def _before(finding: Document) -> str:
    return "fault" if finding["kind"] == "root_cause" else str(finding["kind"])


def _host(record: Document, document: Document, selection: Selection, not_judged: list[Document]) -> Document:
    said: Verdict = verdict(document, selection.findings, selection.unexplained)
    reach: Document = {}
    for port in document["ports"]:
        for vantage in port["ok_from"]:
            _worse(reach.setdefault(vantage, {}), port["protocol"], "ok")
        # A second way into a role that nobody set up is not worth a word.
        unused = served_otherwise(port, document, "remote")
        for vantage, outcome in ({} if unused else port["outcomes"]).items():
            _worse(reach.setdefault(vantage, {}), port["protocol"], outcome)
        if port["local"] is not None:
            if not served_otherwise(port, document, "local"):
                _worse(reach.setdefault("loopback", {}), port["protocol"], port["local"])
    return {
        "verdict": said.verdict,
        "summary": said.summary,
        "scope": said.scope,
        "site": document["inventory"]["site"],
        "expected": document["expected"],
        "reach": reach,
        "login": record.get("login") or {"outcome": "skipped", "text": ""},
        "findings": [_shown(finding) for finding in selection.findings],
        "symptoms": [
            {
                key: symptom[key]
                for key in ("id", "protocol", "where", "outcome", "rung", "code", "text", "explained_by")
            }
            | {"from": symptom["from_"]}
            for symptom in document["symptoms"]
        ],
        "not_judged": not_judged,
        "next": said.next,
        "actions": [],
        "facts_file": record.get("facts_file"),
        "seconds": (record.get("login") or {}).get("seconds"),
    }


def _shown(finding: Document) -> Document:
    return {key: value for key, value in finding.items() if key not in ("explains", "hosts", "next")}


def _worse(protocols: Document, protocol: str, outcome: str) -> None:
    if protocols.get(protocol, "ok") == "ok":
        protocols[protocol] = outcome


def _vantage_points(sweep: Document) -> list[Document]:
    return [
        {
            "name": name,
            "status": "ok" if "error" not in seen else seen.get("status", "failed"),
            "why": seen.get("error", ""),
            "seconds": seen.get("seconds"),
        }
        for name, seen in sorted(sweep["vantages"].items())
    ]


def _fleet(
    run: Document, hosts: dict[str, Document], documents: dict[str, Document], findings: list[Document]
) -> Document:
    counts = {word: sum(host["verdict"] == word for host in hosts.values()) for word in reversed(_WORST_FIRST)}
    sick = [name for name, host in hosts.items() if host["verdict"] in ("down", "degraded")]
    roots = [finding for finding in findings if finding["kind"] == "root_cause"]
    lost = (run.get("parts") or {}).get("lost", 0)
    if roots or sick:
        word = "down" if hosts and counts["down"] == len(hosts) else "degraded"
    elif counts["unknown"] or lost:
        word = "unknown"
    else:
        word = "healthy"
    return {
        "verdict": word,
        "scope": _scope(hosts, documents, sick, roots),
        "summary": _summary(run, hosts, counts, sick, roots),
        "counts": counts,
        "findings": [_shown(finding) | {"hosts": finding["hosts"]} for finding in findings],
    }


def _scope(hosts: dict[str, Document], documents: dict[str, Document], sick: list[str], roots: list[Document]) -> str:
    order = ("none", "client", "segment", "host", "site", "fleet")
    scopes = [hosts[name]["scope"] for name in sick] + [root["scope"] for root in roots] or ["none"]
    widest = order[max(order.index(scope) for scope in scopes)]
    if widest == "host" and len(sick) == len(hosts) > 1:
        return "fleet"
    sites = {documents[name]["inventory"]["site"] for name in sick}
    if widest == "host" and len(sites) == 1 and None not in sites and len(sick) > 1:
        members = [name for name, document in documents.items() if document["inventory"]["site"] in sites]
        if len(members) == len(sick) < len(hosts):
            return "site"
    return widest


def _summary(
    run: Document, hosts: dict[str, Document], counts: Document, sick: list[str], roots: list[Document]
) -> str:
    parts = [root["title"] for root in roots]
    if sick:
        causes = [
            finding["title"] for name in sick for finding in hosts[name]["findings"] if finding["kind"] == "root_cause"
        ]
        told = list(dict.fromkeys(causes))
        more = f"; {len(told) - 3} other causes" if len(told) > 3 else ""
        parts.append(f"{len(sick)} of {len(hosts)} hosts need help: {'; '.join(told[:3])}{more}")
    if counts["unknown"]:
        parts.append(f"{counts['unknown']} could not be judged")
    if counts["maintenance"]:
        parts.append(f"{counts['maintenance']} in maintenance")
    pieces = run.get("parts") or {}
    if pieces.get("lost"):
        parts.append(f"{pieces['lost']} of {pieces['lost'] + pieces['used']} parts of the run are missing")
    if not parts:
        return f"All {len(hosts)} hosts are healthy." if len(hosts) != 1 else "The host is healthy."
    return "; ".join(parts) + "."
