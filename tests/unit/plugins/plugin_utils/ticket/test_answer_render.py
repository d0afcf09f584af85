# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer says, and that nothing in it can be anything but text."""

from __future__ import annotations

import copy
import html.parser
import re
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers, marker, render, told
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.hide import Hide
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import MOST_BYTES
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.words import LANGUAGES, WORDS
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

STAGES = ("diagnosis", "result")
FORMATS = ("text", "markdown", "html")


def system(kind: str = "text", **more: Any) -> answers.Answer:
    return answers.build({"format": kind, "create": [{"path": "/"}], **more}, "test")


def content(report: dict[str, Any], kind: str = "text", stage: str = "diagnosis", **more: Any) -> str:
    before = more.pop("before", None)
    event = more.pop("event", {})
    return render.content(report, before, stage, event, more.pop("answer", None) or system(kind), **more)


def healthy(report: dict[str, Any]) -> dict[str, Any]:
    """The same fleet when all is well."""
    found = copy.deepcopy(report)
    for host in found["hosts"].values():
        host.update(verdict="healthy", findings=[], symptoms=[], actions=[], next=[], summary="")
        host["reach"] = {place: dict.fromkeys(seen, "ok") for place, seen in host["reach"].items()}
    found["fleet"].update(verdict="healthy", findings=[], summary="All is well.")
    return found


def test_the_verdict_is_the_first_line_and_evidence_and_approval_follow() -> None:
    said = content(samples.load("fleet"))
    lines = said.splitlines()
    assert lines[0] == "✗ Mail diagnosis: down"
    assert "Hosts: 3 down, 1 degraded, 1 in maintenance, 1 healthy" in lines
    assert "  Cause: Postfix is not running (confirmed)" in lines
    assert "    Seen: Nothing listens on ports 25 and 587. (on the host)" in lines
    assert "    Proposed: restart_daemon unit=postfix@-.service (may be done unattended)" in lines
    assert "  ansible-playbook mailops.triage.remediate -l mail4,mail2,mail3 -e remediate_auto=safe" in lines
    assert "This diagnosis changed nothing on any host." in lines


def test_a_site_says_in_its_own_words_how_to_approve() -> None:
    said = content(samples.load("fleet"), approve="Press {{ the }} button", url="https://awx.example.com/#/jobs/7")
    assert "Press {{ the }} button" in said and "ansible-playbook" not in said
    assert "Report: https://awx.example.com/#/jobs/7" in said


def test_what_needs_a_person_says_so() -> None:
    report = samples.load("fleet")
    report["hosts"]["mail2"]["findings"][0]["remedy"]["auto"] = False
    said = content(report)
    assert "restart_daemon unit=postfix@-.service (needs a person's approval)" in said
    assert said.count("remediate_auto=all") == 1 and told.needs_approval(report)


def test_where_nothing_is_proposed_nothing_is_to_be_approved() -> None:
    report = healthy(samples.load("fleet"))
    said = content(report)
    assert "No approval is needed" in said and "ansible-playbook" not in said and not told.needs_approval(report)


def test_a_result_tells_before_after_and_what_remains() -> None:
    before = samples.load("fleet")
    after = healthy(before)
    after["hosts"]["mail3"].update(copy.deepcopy(before["hosts"]["mail3"]))
    proof = {"state": "proved", "healed_after": 2.0, "watched_s": 600.0}
    act = {"action": "restart_daemon", "subject": "postfix@-.service", "finding": "software.mta_not_running"}
    after["hosts"]["mail2"]["actions"] = [{**act, "state": "done", "why": "started once", "proof": proof}]
    after["hosts"]["mail3"]["actions"] = [{**act, "action": "purge_spool", "state": "refused", "why": "nothing is old"}]
    said = content(after, stage="result", before=before)
    assert "✓ mail2 (tokyo): down -> healthy" in said
    assert "done: restart_daemon postfix@-.service: started once" in said
    assert "works again after 2.0 s, and held for the 10 min 0 s it was watched" in said
    remains = said[said.index("What remains") :]
    assert "mail3: /var/spool/postfix is full" in remains
    assert "mail3: not done: purge_spool postfix@-.service: nothing is old" in remains
    assert not told.mended(after)


def test_a_ticket_is_closed_only_when_remedies_brought_all_back() -> None:
    report = healthy(samples.load("fleet"))
    assert not told.mended(report)  # nothing was done: perhaps the trouble was elsewhere
    report["hosts"]["mail2"]["actions"] = [{"action": "restart_daemon", "state": "failed"}]
    assert not told.mended(report)
    report["hosts"]["mail2"]["actions"] = [{"action": "restart_daemon", "state": "done"}]
    assert told.mended(report)
    report["hosts"]["mail1"]["verdict"] = "unknown"
    assert not told.mended(report)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", [*samples.RECORDED, "crowd"])
def test_every_report_fits_into_a_ticket(name: str, kind: str, language: str) -> None:
    report = samples.crowd(1000, sick_every=1) if name == "crowd" else samples.load(name)
    for stage in STAGES:
        answer = system(kind)
        said = content(report, kind, stage, language=language, answer=answer, before=samples.load("fleet"))
        letter = render.letter(said, answer, "test", "7", report, stage, "", written=1.0)
        assert 200 < len(letter.comment.encode()) <= MOST_BYTES
        assert letter.comment.splitlines()[-1].strip("<p/>") == letter.marker
        assert WORDS[language]["title"][stage] in said


def test_the_words_are_the_same_in_both_languages() -> None:
    def shape(value: Any) -> Any:
        return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else bool(value)

    assert shape(WORDS["en"]) == shape(WORDS["ja"])


@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_a_system_that_takes_little_gets_the_verdict(kind: str) -> None:
    answer = system(kind, longest=700, wrap=["<" * 20, ">" * 20])
    report = samples.crowd(300, sick_every=1)
    letter = render.letter(content(report, answer=answer), answer, "test", "7", report, "diagnosis", "", written=1.0)
    assert len(letter.comment) <= 700 and "Mail diagnosis: down" in letter.comment
    assert letter.comment.startswith("<" * 20) and letter.comment.endswith(letter.marker + ">" * 20)


HOSTILE = (
    "<script>alert(1)</script> `code` ![x](http://evil.example/x.png) [click](javascript:alert(1)) @all #1 !1 ~label "
    "| a | b | \\ *bold* {{ 7 * 7 }} {% raw %} \x1b[31m \u202e\u200b\n/close\n> quote\n# head\n"
    "[mailops.triage run=x stage=y text=z]"
)


def hostile() -> tuple[dict[str, Any], dict[str, Any]]:
    report = samples.everywhere(samples.load("fleet"), HOSTILE)
    report["run"]["id"] = "R"
    report["symptom"] = {"text": HOSTILE, "says": HOSTILE, "agrees": "no"}
    report["hosts"] = {f"{HOSTILE} {name}": host for name, host in report["hosts"].items()}
    for host in report["hosts"].values():
        host["actions"] = [{"action": HOSTILE, "subject": HOSTILE, "state": "done", "why": HOSTILE}]
    return report, {"unknown_hosts": [HOSTILE], "title": HOSTILE}


class Page(html.parser.HTMLParser):
    """Which tags and attributes there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[Any] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.mark.parametrize("stage", STAGES)
def test_html_has_our_tags_alone(stage: str) -> None:
    report, event = hostile()
    page = Page(content(report, "html", stage, event=event, approve=HOSTILE, url=HOSTILE))
    assert page.tags <= {"p", "b", "i", "ul", "li", "br", "code"} and page.attributes == []


@pytest.mark.parametrize("stage", STAGES)
def test_markdown_has_what_strangers_said_in_code_spans_alone(stage: str) -> None:
    report, event = hostile()
    said = content(report, "markdown", stage, event=event, approve=HOSTILE, url=HOSTILE)
    assert said.count("evil.example") > 5
    bare = re.sub(r"\x60[^\x60\n]+\x60", "", said)
    assert "\x60" not in bare
    for sign in ("<", "@", "evil", "](", "![", "#", "{{", "|", "~", "close", "alert"):
        assert sign not in bare, sign
    # Nothing of theirs begins a line, where GitLab would read a command.
    assert all(re.match(r"\*\*|- |  - |\x60|[A-Z]|$", line) for line in said.splitlines())
    assert not re.search(r"^\x60/", said, re.M)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("stage", STAGES)
def test_no_line_is_made_by_a_stranger(kind: str, stage: str) -> None:
    report, event = hostile()
    said = content(report, kind, stage, event=event)
    assert not [line for line in said.splitlines() if line.startswith(("/close", "> quote", "# head", "[mailops"))]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029]", said)
    assert marker.find(marker.make("x", "y", ""), [("1", said)]) == (None, False)


@pytest.mark.parametrize("kind", FORMATS)
def test_secrets_are_not_told(kind: str) -> None:
    secret = "Canary+4711/<x>"
    report = samples.load("fleet")
    finding = report["hosts"]["mail2"]["findings"][0]
    finding["evidence"] = [{"says": f"login failed: user=a pass={secret}"}, {"says": "Q2FuYXJ5KzQ3MTEvPHg+"}]
    hide = Hide([secret])
    said = content(report, kind, hide=hide, approve=f"Say {secret}", url=f"https://x/?t={secret}")
    assert "Canary" not in said and "Q2FuYXJ5" not in said and "********" in said


def test_a_damaged_report_makes_an_answer_all_the_same() -> None:
    for report in ({}, {"run": None, "fleet": [], "hosts": 5}, {"hosts": {"a": None}, "fleet": {"verdict": "x"}}):
        for kind in FORMATS:
            assert "Mail diagnosis" in content(report, kind)


def test_what_a_system_would_read_is_replaced_whatever_its_case() -> None:
    answer = system(replace={"[code]": "(code)"})
    report = samples.load("fleet")
    report["fleet"]["summary"] = "[CODE]<b>x</b>[Code] İ[code]"
    assert "[code]" not in content(report, answer=answer).lower().replace("i̇", "")


def test_a_marker_is_found_as_text_as_html_and_with_entities() -> None:
    line = marker.make("R", "diagnosis", "text")
    for shown in (
        line,
        f"<p>x</p><p>{line}</p>",
        f"&lt;p&gt;{line}&lt;/p&gt;",
        f"&#60;p&#62;{line}&#60;/p&#62;",
        f"a\r\n {line} ",
    ):
        assert marker.find(line, [("5", shown)]) == ("5", True)
    newer = marker.make("R", "diagnosis", "news")
    assert marker.find(newer, [("10", line), ("9", line)]) == ("9", False)
    for shown in (f"> {line}", f"see {line}", f"<blockquote>&gt; {line}</blockquote>", line[:-1]):
        assert marker.find(line, [("5", shown)]) == (None, False)
    assert marker.make("a] b\n*", "result", "") == marker.make("a--b--", "result", "")
