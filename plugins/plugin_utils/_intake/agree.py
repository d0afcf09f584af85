# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the evidence agree with what the user saw?

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A user is believed, but not taken for a probe: "does not agree" is an answer that saves a healthy server from repair,
and it says what to ask next. Where nobody could look, the answer is C(unknown).
"""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._intake.affected import NOBODY
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.knowledge import FAMILIES

Document = dict[str, t.Any]

_REACH = ("timeout", "refused", "filtered", "reset", "no_banner")
_PHASES = {"connect": "connect", "banner": "connect", "tls": "tls", "starttls": "tls", "login": "login"}
"""The rungs of a probe, as phases of a user's program."""

_WORDS = {
    "refused": ("is refused", "are refused"),
    "filtered": ("is blocked", "are blocked"),
    "timeout": ("times out", "time out"),
    "reset": ("is cut off", "are cut off"),
    "no_banner": ("connects but stays silent", "connect but stay silent"),
    "tls_error": ("fails in TLS", "fail in TLS"),
    "auth_error": ("refuses the login", "refuse the login"),
    "protocol_error": ("answers with an error", "answer with an error"),
}
_UNSEEN_BY_PROBES = ("client.*", "traffic.*", "network.packet_loss", "network.name_unresolved", "network.mtu_blackhole")
"""Causes that a user suffers from although probes get their answer."""

_SEEN_BY_PROBES = ("network.*", "operator.*", "*_not_running", "*a_hung", "*crash_loop*", "*_fatal", "hardware.host_*")
"""Causes that would show in the probes of the very protocol that the user names."""

_OTHERS_BUSINESS = {
    "receive": ("*.mta_*", "*queue*", "*milter*", "*sasl*", "*remote_destination*", "*on_hold*", "reputation.*"),
    "send": ("*.mda_*", "*imap*", "*mailbox*", "*mailstore*"),
}
"""Causes that have nothing to do with reading mail over POP3 or IMAP, or with handing it in."""

_CALLED = {"pop3": "POP3", "imap": "IMAP", "submission": "submission", "smtp": "SMTP", "sieve": "ManageSieve"}
_SCOPES = {"one": "one user", "department": "a department", "everyone": "everyone"}


class _Answer(t.NamedTuple):
    """What the evidence says to one statement."""

    agrees: str
    says: str


def agree(symptom: Document, affected: Document | None, report: Document, logged_in: t.Container[str]) -> Document:
    """Hold a report of a user against the diagnosis.

    :param symptom: as L(understand) read it
    :param affected: as L(affected) sorted it, when somebody was named
    :param report: the finished diagnosis: its C(fleet) and its C(hosts)
    :param logged_in: the protocols at which a probe tried a login
    :returns: the C(symptom) part of the report
    """
    affected = {**NOBODY, **(affected or {})}
    scene = _Scene(report, affected, logged_in)
    answers = [(statement, scene.answer(statement)) for statement in symptom["statements"]]
    verdict = _together([answer.agrees for dummy, answer in answers])
    told = [f"The user's '{statement['quote']}' {answer.says}" for statement, answer in answers[:3]]
    if not told:
        what = "no known error number or phrase is in it" if symptom["text"] else "it holds no text"
        told = [f"The report was not understood ({what}); the diagnosis does not rest on it"]
    if len(answers) > 3:
        told.append(f"{len(answers) - 3} more statements were weighed")
    told += scene.width(symptom["scope"], verdict)
    hypotheses = list(dict.fromkeys(statement["hypothesis"] for statement, dummy in answers if statement["hypothesis"]))
    return {
        "text": symptom["text"],
        "scope": symptom["scope"],
        "affected": affected,
        "understood": [
            {key: statement[key] for key in ("id", "quote", "protocols", "direction", "phase", "says", "hypothesis")}
            | {"agrees": answer.agrees}
            for statement, answer in answers
        ],
        "hypothesis": " ".join(hypotheses[:2]),
        "agrees": verdict,
        "says": "; ".join(told) + ".",
    }


def _together(answers: list[str]) -> str:
    kinds = set(answers)
    if not kinds:
        return "unknown"
    return answers[0] if len(kinds) == 1 else "partly"


class _Scene:
    """The evidence, as far as it is the user's business."""

    def __init__(self, report: Document, affected: Document, logged_in: t.Container[str]) -> None:
        everybody: dict[str, Document] = report["hosts"]
        named = {name: host for name, host in everybody.items() if name in affected["hosts"]}
        self.hosts = named or everybody
        self.fleet: list[Document] = [
            finding
            for finding in report["fleet"]["findings"]
            if finding["kind"] == "root_cause" and set(finding["hosts"]) & set(self.hosts)
        ]
        self.segments: list[str] = affected["segments"]
        self.addresses: list[str] = affected["addresses"]
        self.logged_in = logged_in
        self.scope = report["fleet"]["scope"]

    def answer(self, statement: Document) -> _Answer:
        """What the evidence says to one statement."""
        ports = [port for name in statement["protocols"] or FAMILIES for port in FAMILIES[name]]
        called = _listed([_CALLED[name] for name in statement["protocols"]]) or "mail"
        failing = self._failing(ports)
        fitting = self._fitting(statement, bool(failing))
        if failing:
            seen = f"{_fates(failing)}{self._because(failing)}"
            if fitting or _same_phase(statement["phase"], failing):
                return _Answer("yes", f"agrees: {seen}")
            return _Answer("partly", f"agrees in part: {seen}, which is not where the user's program says it failed")
        if fitting:
            return _Answer("yes", f"agrees: {_listed(fitting[:3])}")
        looked, points = self._answering(ports)
        if not looked:
            return _Answer("unknown", f"can neither be confirmed nor denied: nobody could try {called}")
        if statement["phase"] == "login" and not any(port in self.logged_in for port in ports):
            return _Answer(
                "unknown",
                f"can neither be confirmed nor denied: {called} answers, but no login was tried (triage_probe_account)",
            )
        blind = [name for name, host in self.hosts.items() if host["not_judged"] and host["login"]["outcome"] != "ok"]
        if statement["phase"] == "delivery" and blind:
            return _Answer("unknown", f"can neither be confirmed nor denied: {blind[0]} was not seen from inside")
        return _Answer("no", f"does not agree: {self._elsewhere(statement['phase'], called, looked, points)}")

    def width(self, reported: str | None, verdict: str) -> list[str]:
        """Where report and evidence differ in whom it hits."""
        if reported == "one" and verdict == "yes" and self.scope in ("host", "site", "fleet"):
            return ["one user called, but what was found hits everybody who uses the host"]
        if reported == "everyone" and verdict == "yes" and self.scope in ("client", "segment"):
            return [f"reported for everyone, but what was found hits one {self.scope}"]
        if reported in ("department", "everyone") and verdict == "no":
            return [f"reported for {_SCOPES[reported]}: probe from where they sit (triage_vantage_points)"]
        return []

    def _failing(self, ports: list[str]) -> list[tuple[str, Document]]:
        """What the probes saw fail, and where; seen from the user's own segment, when it was named."""
        found = []
        for name, host in self.hosts.items():
            for symptom in host["symptoms"]:
                here = not self.segments or symptom["where"] == "local" or set(symptom["from"]) & set(self.segments)
                if symptom["protocol"] in ports and here:
                    found.append((name, symptom))
        # What only the host itself sees says less than what a client sees.
        outside = [one for one in found if one[1]["where"] != "local"]
        return outside or found

    def _fitting(self, statement: Document, failing: bool) -> list[str]:
        """The causes that would make such a complaint; where the probes get their answer, only those behind it."""
        named = bool(statement["protocols"]) and not failing
        causes = [("", finding) for finding in self.fleet]
        causes += [(f" (on {name})", finding) for name, host in self.hosts.items() for finding in host["findings"]]
        found = []
        for where, finding in causes:
            fits = _like(finding["id"], statement["fits"])
            if named and statement["phase"] in ("resolve", "connect"):
                fits = fits and _like(finding["id"], _UNSEEN_BY_PROBES)
            elif named and statement["phase"] is None:
                fits = fits and (_like(finding["id"], _UNSEEN_BY_PROBES) or not _like(finding["id"], _SEEN_BY_PROBES))
            if not {"smtp"} & set(statement["protocols"]) or statement["direction"] == "send":
                fits = fits and not _like(finding["id"], _OTHERS_BUSINESS.get(statement["direction"], ()))
            if finding["kind"] == "root_cause" and fits and self._hits_segment(finding):
                found.append(f"{finding['title']}{where}")
        return list(dict.fromkeys(found))

    def _hits_segment(self, finding: Document) -> bool:
        """Is the user's own segment hit, where the user named it and the cause hits segments only?"""
        if not self.segments or finding["scope"] != "segment":
            return True
        return any(
            finding["id"] in symptom["explained_by"] and set(symptom["from"]) & set(self.segments)
            for host in self.hosts.values()
            for symptom in host["symptoms"]
        )

    def _because(self, failing: list[tuple[str, Document]]) -> str:
        """The root causes behind what fails, in brackets."""
        titles: list[str] = []
        for name, symptom in failing:
            waiting = list(symptom["explained_by"])
            findings = {finding["id"]: finding for finding in [*self.hosts[name]["findings"], *self.fleet]}
            seen: set[str] = set()
            while waiting:
                identity = waiting.pop(0)
                finding = findings.get(identity)
                if finding is None or identity in seen:
                    continue
                seen.add(identity)
                if finding["kind"] == "root_cause":
                    titles.append(finding["title"])
                waiting.extend(finding["explained_by"])
        told = list(dict.fromkeys(titles))
        return f" ({_listed(told[:3])})" if told else " (the cause was not found)"

    def _answering(self, ports: list[str]) -> tuple[list[str], list[str]]:
        """Hosts on which one of the ports was tried and works, and from where."""
        hosts, points = [], []
        for name, host in self.hosts.items():
            for point, seen in host["reach"].items():
                if (not self.segments or point in self.segments) and any(seen.get(port) == "ok" for port in ports):
                    hosts.append(name)
                    points.append(point)
        return list(dict.fromkeys(hosts)), sorted(set(points))

    def _elsewhere(self, phase: str | None, called: str, looked: list[str], points: list[str]) -> str:
        """Nothing is wrong with what the user names: what else is, and whom to ask what."""
        if phase == "delivery":
            # That a port answers says nothing of what becomes of a message.
            hosts = list(self.hosts)
            where = f"the {len(hosts)} hosts" if len(hosts) > 3 else _listed(hosts)
            said = f"nothing that was found on {where} would cause that"
        else:
            everywhere = "on every host" if self.segments else "everywhere"
            where = everywhere if set(looked) == set(self.hosts) else f"on {_listed(looked[:4])}"
            said = f"{called} {'answer' if ' and ' in called else 'answers'} {where} (seen from {_listed(points[:4])})"
        others = [finding["title"] for host in self.hosts.values() for finding in host["findings"] if _root(finding)]
        others += [finding["title"] for finding in self.fleet]
        if others:
            said += f"; what was found instead: {_listed(list(dict.fromkeys(others))[:2])}"
        if phase == "delivery":
            return f"{said}; ask for sender, recipient and time of one message, and for the whole text that came back"
        said += "; look at the client, and ask which server, port and account its program uses"
        if self.addresses and not self.segments:
            said += f", and probe from the network of {self.addresses[0]} (triage_vantage_points)"
        return said


def _like(identity: str, patterns: t.Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(identity, pattern) for pattern in patterns)


def _root(finding: Document) -> bool:
    return bool(finding["kind"] == "root_cause")


def _same_phase(phase: str | None, failing: list[tuple[str, Document]]) -> bool:
    """Does the user's program stumble where the probe stumbles? What fails early also fails what comes later."""
    if phase in (None, "transfer", "delivery"):
        return True
    for dummy, symptom in failing:
        seen = _PHASES.get(symptom["rung"], "transfer")
        if seen == phase or (phase == "resolve" and seen == "connect"):
            return True
        # A dialogue that hangs or breaks later than at the connection is "no answer" to the user all the same.
        if phase == "connect" and symptom["outcome"] in _REACH:
            return True
    return False


def _fates(failing: list[tuple[str, Document]]) -> str:
    """Such as "pop3 is refused on mail2, mail3; pop3 times out on mail4"."""
    groups: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    for name, symptom in failing:
        place = f" from {_listed(symptom['from'][:3])}" if symptom["where"] == "segment" else ""
        groups.setdefault((symptom["outcome"], place), {}).setdefault(name, {})[symptom["protocol"]] = None
    parts = []
    for (outcome, place), hosts in list(groups.items())[:2]:
        names = list(dict.fromkeys(protocol for protocols in hosts.values() for protocol in protocols))
        fate = _WORDS.get(outcome, (outcome, outcome))[len(names) > 1]
        more = " and others" if len(hosts) > 4 else ""
        parts.append(f"{_listed(names)} {fate}{place} on {_listed(list(hosts)[:4])}{more}")
    return "; ".join(parts)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)
