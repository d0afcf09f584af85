# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each ticket system's own requests, against doubles of them that are written from the systems' documentation.

A double refuses what the system refuses: a request without its login, a body of another shape, a place that is none.
"""

from __future__ import annotations

import abc
import base64
import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import client, systems
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import address
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket import desk as desks
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket.desk import Asked, Desk, Reply

SYSTEMS = systems.load([Path(__file__).resolve().parents[5] / "rules"])
BASIC = "Basic " + base64.b64encode(f"{desks.USER}:{desks.PASSWORD}".encode()).decode()
NOT_FOUND: Reply = (404, {"error": "not found"})
ONCE = client.Patience(0, 60.0)


class Fake(abc.ABC):
    """What all doubles share: comments by number, and a state."""

    ticket = "7"
    renewed = "updated"
    """What becomes of a comment with news: C(updated), or C(added) where comments cannot be changed."""
    token = True
    """The login is a token; else user and password."""
    closes = True

    def __init__(self) -> None:
        self.comments: dict[str, Any] = {"1": self.stored("Somebody else's")}
        self.state: Any = self.open

    open: Any = "open"
    closed: Any = "closed"

    def stored(self, text: str) -> Any:
        """A comment as the system keeps it."""
        return text

    def add(self, text: str) -> str:
        number = str(len(self.comments) + 10)
        self.comments[number] = self.stored(text)
        return number

    @abc.abstractmethod
    def allowed(self, asked: Asked) -> bool:
        """Is this a login of the system?"""

    @abc.abstractmethod
    def reply(self, asked: Asked) -> Reply:
        """What the system answers."""

    def __call__(self, asked: Asked) -> Reply:
        if not self.allowed(asked):
            return 401, {"error": "log in"}
        if asked.method in ("POST", "PUT", "PATCH") and not asked.headers["content-type"].startswith(
            "application/json"
        ):
            return 415, {"error": "no JSON"}
        try:
            return self.reply(asked)
        except (KeyError, TypeError) as problem:
            return 400, {"error": f"what is this: {problem!r} in {asked.body!r}"}


class Jira(Fake):
    ticket, token = "MAIL-7", False
    open, closed = "new", "done"

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == BASIC

    def reply(self, asked: Asked) -> Reply:
        issue = "/rest/api/2/issue/MAIL-7"
        match asked.method, asked.path:
            case "GET", path if path == f"{issue}/comment":
                assert asked.query["orderBy"] == "-created"
                found = [{"id": key, "body": text, "author": {}} for key, text in reversed(self.comments.items())]
                return 200, {"startAt": 0, "maxResults": 100, "total": len(found), "comments": found}
            case "POST", path if path == f"{issue}/comment":
                return 201, {"id": self.add(asked.body["body"]), "body": asked.body["body"]}
            case "PUT", path if path.startswith(f"{issue}/comment/"):
                self.comments[path.rsplit("/", 1)[1]] = asked.body["body"]
                return 200, {"id": path.rsplit("/", 1)[1]}
            case "GET", path if path == issue:
                return 200, {"key": "MAIL-7", "fields": {"status": {"statusCategory": {"key": self.state}}}}
            case "GET", path if path == f"{issue}/transitions":
                moves = [("11", "new"), ("21", "indeterminate"), ("31", "done"), ("41", "done")]
                listed = [{"id": key, "to": {"statusCategory": {"key": state}}} for key, state in moves]
                return 200, {"transitions": listed}
            case "POST", path if path == f"{issue}/transitions":
                assert asked.body == {"transition": {"id": "31"}}
                self.state = "done"
                return 204, None
        return NOT_FOUND


class ServiceNow(Fake):
    ticket, renewed = "INC0010023", "added"
    open, closed = "2", "6"
    key = "9d385017c611228701d22104cc95c371"

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {desks.TOKEN}"

    def reply(self, asked: Asked) -> Reply:
        table = "/api/now/table/incident"
        if asked.path == table and asked.method == "GET":
            assert asked.query["sysparm_query"] == "number=INC0010023^ORsys_id=INC0010023"
            return 200, {"result": [{"sys_id": self.key}]}
        if asked.path != f"{table}/{self.key}":
            return NOT_FOUND
        if asked.method == "GET":
            if asked.query["sysparm_fields"] == "state":
                return 200, {"result": {"state": self.state}}
            assert asked.query["sysparm_display_value"] == "true"
            notes = [f"2026-05-04 06:12:09 - robot (Work notes)\n{text}\n" for text in reversed(self.comments.values())]
            return 200, {"result": {"work_notes": "\n".join(notes)}}
        assert asked.method == "PATCH"
        if "work_notes" in asked.body:
            self.add(asked.body["work_notes"])
        else:
            assert asked.body["close_code"] and asked.body["close_notes"]
            self.state = asked.body["state"]
        return 200, {"result": {"sys_id": self.key}}


class Glpi(Fake):
    open, closed = 2, 5

    def stored(self, text: str) -> str:
        # GLPI up to 10 keeps and hands out tags as entities.
        return text.replace("&", "&#38;").replace("<", "&#60;").replace(">", "&#62;")

    def allowed(self, asked: Asked) -> bool:
        if asked.path == "/apirest.php/initSession":
            return asked.headers.get("authorization") == f"user_token {desks.TOKEN}"
        return asked.headers.get("session-token") == "S-83af7e620c83a50a18d3eac2f6ed05a3ca0bea62"

    def reply(self, asked: Asked) -> Reply:
        match asked.method, asked.path.removeprefix("/apirest.php"):
            case "GET", "/initSession":
                return 200, {"session_token": "S-83af7e620c83a50a18d3eac2f6ed05a3ca0bea62"}
            case "GET", "/killSession":
                return 200, None
            case "GET", "/Ticket/7/ITILFollowup":
                return 206, [{"id": int(key), "items_id": 7, "content": text} for key, text in self.comments.items()]
            case "POST", "/ITILFollowup":
                given = asked.body["input"]
                assert (given["itemtype"], given["items_id"], given["is_private"]) == ("Ticket", "7", 1)
                return 201, {"id": int(self.add(given["content"])), "message": ""}
            case "PUT", path if path.startswith("/ITILFollowup/"):
                key = path.rsplit("/", 1)[1]
                self.comments[key] = self.stored(asked.body["input"]["content"])
                return 200, [{key: True, "message": ""}]
            case "GET", "/Ticket/7":
                return 200, {"id": 7, "status": self.state}
            case "PUT", "/Ticket/7":
                self.state = asked.body["input"]["status"]
                return 200, [{"7": True, "message": ""}]
        return NOT_FOUND


class Zammad(Fake):
    renewed = "added"

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Token token={desks.TOKEN}"

    def reply(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/api/v1/ticket_articles/by_ticket/7":
                return 200, [{"id": int(key), "ticket_id": 7, "body": text} for key, text in self.comments.items()]
            case "POST", "/api/v1/ticket_articles":
                given = asked.body
                assert (given["ticket_id"], given["content_type"]) == ("7", "text/html")
                assert (given["type"], given["internal"]) == ("note", True)
                return 201, {"id": int(self.add(given["body"]))}
            case "GET", "/api/v1/tickets/7":
                return 200, {"id": 7, "state_id": 2, **({"state": self.state} if asked.query.get("expand") else {})}
            case "PUT", "/api/v1/tickets/7":
                self.state = asked.body["state"]
                return 200, {"id": 7}
        return NOT_FOUND


class Redmine(Fake):
    open, closed = 1, 3

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("x-redmine-api-key") == desks.TOKEN

    def reply(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/issues/7.json":
                issue: dict[str, Any] = {"id": 7, "status": {"id": self.state, "name": "?", "is_closed": False}}
                if asked.query.get("include") == "journals":
                    issue["journals"] = [
                        {"id": int(key), "user": {}, "notes": text, "details": []}
                        for key, text in self.comments.items()
                    ]
                return 200, {"issue": issue}
            case "PUT", "/issues/7.json":
                if "status_id" in asked.body["issue"]:
                    self.state = asked.body["issue"]["status_id"]
                else:
                    assert asked.body["issue"]["private_notes"] is True
                    self.add(asked.body["issue"]["notes"])
                return 204, None
            case "PUT", path if path.startswith("/journals/"):
                self.comments[path.removeprefix("/journals/").removesuffix(".json")] = asked.body["journal"]["notes"]
                return 204, None
            case "GET", "/issue_statuses.json":
                names = {1: "New", 2: "In Progress", 3: "Resolved", 5: "Closed"}
                return 200, {"issue_statuses": [{"id": key, "name": name} for key, name in names.items()]}
        return NOT_FOUND


class Rt(Fake):
    renewed, closed = "added", "resolved"

    def stored(self, text: str) -> Any:
        return {"Subject": "", "Content": text}

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"token {desks.TOKEN}"

    def reply(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "POST", "/REST/2.0/attachments":
                (wanted,) = asked.body
                assert (wanted["field"], wanted["operator"]) == ("Subject", "=")
                found = [key for key, item in self.comments.items() if item["Subject"] == wanted["value"]]
                items = [{"type": "attachment", "id": key, "_url": "x"} for key in found]
                for item in items:
                    if "Subject" in asked.query.get("fields", ""):
                        item["Subject"] = self.comments[item["id"]]["Subject"]
                return 200, {"count": len(items), "page": 1, "per_page": 100, "total": len(items), "items": items}
            case "POST", "/REST/2.0/ticket/7/comment":
                assert asked.body["ContentType"] == "text/plain"
                self.comments[str(len(self.comments) + 10)] = dict(asked.body)
                return 201, ["Comments added"]
            case "GET", "/REST/2.0/ticket/7":
                return 200, {"id": 7, "Status": self.state}
            case "PUT", "/REST/2.0/ticket/7":
                self.state = asked.body["Status"]
                return 200, ["Ticket 7: Status changed from 'open' to 'resolved'"]
        return NOT_FOUND


class GitHub(Fake):
    ticket = "example/mail.ops#12"

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {desks.TOKEN}"

    def reply(self, asked: Asked) -> Reply:
        repository = "/repos/example/mail.ops"
        match asked.method, asked.path.removeprefix(repository):
            case "GET", "/issues/12/comments":
                assert asked.query == {"per_page": "100", "since": "2026-05-04T06:12:09Z"}
                return 200, [{"id": int(key), "body": text} for key, text in self.comments.items()]
            case "POST", "/issues/12/comments":
                return 201, {"id": int(self.add(asked.body["body"]))}
            case "PATCH", path if path.startswith("/issues/comments/"):
                self.comments[path.rsplit("/", 1)[1]] = asked.body["body"]
                return 200, {"id": int(path.rsplit("/", 1)[1])}
            case "GET", "/issues/12":
                return 200, {"number": 12, "state": self.state}
            case "PATCH", "/issues/12":
                self.state = asked.body["state"]
                return 200, {"number": 12}
        return NOT_FOUND


class GitLab(Fake):
    ticket = "42#12"
    open = "opened"

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("private-token") == desks.TOKEN

    def reply(self, asked: Asked) -> Reply:
        match asked.method, asked.path.removeprefix("/api/v4/projects/42/issues/12"):
            case "GET", "/notes":
                assert asked.query == {"sort": "desc", "order_by": "created_at", "per_page": "100"}
                return 200, [{"id": int(key), "body": text} for key, text in reversed(self.comments.items())]
            case "POST", "/notes":
                assert asked.body["internal"] is True
                return 201, {"id": int(self.add(asked.body["body"]))}
            case "PUT", path if path.startswith("/notes/"):
                self.comments[path.rsplit("/", 1)[1]] = asked.body["body"]
                return 200, {"id": int(path.rsplit("/", 1)[1])}
            case "GET", "":
                return 200, {"iid": 12, "state": self.state}
            case "PUT", "":
                assert asked.body == {"state_event": "close"}
                self.state = "closed"
                return 200, {"iid": 12}
        return NOT_FOUND


class Zabbix(Fake):
    renewed, closes = "added", False
    acknowledged = "0"

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {desks.TOKEN}" and asked.path == "/api_jsonrpc.php"

    def reply(self, asked: Asked) -> Reply:
        given = asked.body["params"]
        head = {"jsonrpc": "2.0", "id": asked.body["id"]}
        if (asked.body["jsonrpc"], given["eventids"]) != ("2.0", "7"):
            return 200, {**head, "error": {"code": -32602, "message": "Invalid params.", "data": "No permissions"}}
        if asked.body["method"] == "event.get":
            listed = [{"acknowledgeid": key, "message": text} for key, text in self.comments.items()]
            assert "message" in given["selectAcknowledges"]
            return 200, {
                **head,
                "result": [{"eventid": "7", "acknowledged": self.acknowledged, "acknowledges": listed}],
            }
        assert asked.body["method"] == "event.acknowledge"
        if given["action"] & 4:
            if len(given["message"]) > 2048:
                return 200, {**head, "error": {"code": -32602, "message": "Invalid params.", "data": "too long"}}
            self.add(given["message"])
        if given["action"] & 2:
            self.acknowledged = "1"
        return 200, {**head, "result": {"eventids": [7]}}


class Icinga(Fake):
    ticket, token, closes = "mail1!imap", False, False

    def __init__(self) -> None:
        super().__init__()
        self.comments = {"mail1!imap!0": "Somebody else's"}

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == BASIC and asked.headers["accept"] == "application/json"

    def reply(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "POST", "/v1/objects/comments":
                assert asked.headers["x-http-method-override"] == "GET"
                assert asked.body["filter"] == "match(pattern, comment.text)"
                # Its match() knows * and ? alone.
                pattern = asked.body["filter_vars"]["pattern"].replace("[", "[[]")
                found = {key: text for key, text in self.comments.items() if fnmatch.fnmatchcase(text, pattern)}
                return 200, {"results": [{"name": key, "attrs": {"text": text}} for key, text in found.items()]}
            case "POST", "/v1/actions/add-comment":
                place = {"Host": "host", "Service": "service"}[asked.body["type"]]
                assert asked.body[place] == self.ticket and asked.body["author"]
                name = f"{self.ticket}!{len(self.comments)}"
                self.comments[name] = asked.body["comment"]
                return 200, {"results": [{"code": 200.0, "name": name, "status": "Successfully added comment"}]}
            case "POST", "/v1/actions/remove-comment":
                del self.comments[asked.body["comment"]]
                return 200, {"results": [{"code": 200.0, "status": "Successfully removed comment"}]}
        return NOT_FOUND


class IcingaHost(Icinga):
    ticket = "mail1"


DOUBLES: dict[str, list[type[Fake]]] = {
    "jira": [Jira],
    "servicenow": [ServiceNow],
    "glpi": [Glpi],
    "zammad": [Zammad],
    "redmine": [Redmine],
    "rt": [Rt],
    "github": [GitHub],
    "gitlab": [GitLab],
    "zabbix": [Zabbix],
    "icinga": [Icinga, IcingaHost],
}


class Scene(NamedTuple):
    """A system and its double."""

    name: str
    fake: Fake
    desk: Desk

    def deliver(self, text: str, stage: str = "diagnosis", state: str = "", check: bool = False) -> client.Delivered:
        """Deliver a comment with some text."""
        answer = SYSTEMS[self.name].answer
        assert answer is not None
        login: dict[str, str] = {"token": desks.TOKEN}
        if not self.fake.token:
            login = {"user": desks.USER, "password": desks.PASSWORD}
        letter = desks.letter(answer, self.fake.ticket, text, stage, state, system=self.name)
        return client.deliver(answer, address(self.desk.url, **login), letter, ONCE, check=check)

    def ours(self) -> list[str]:
        """The comments that are there beside somebody else's."""
        texts = [item["Content"] if isinstance(item, dict) else item for item in self.fake.comments.values()]
        return [text for text in texts if "Somebody else's" not in text]


@pytest.fixture(
    params=[(name, fake) for name, fakes in DOUBLES.items() for fake in fakes], ids=lambda it: it[1].__name__
)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    name, kind = request.param
    fake = kind()
    desk = Desk(fake)
    yield Scene(name, fake, desk)
    desk.close()


def test_one_comment_of_a_run_and_stage(scene: Scene) -> None:
    assert scene.deliver("It is down.", check=True).comment == "created"
    assert scene.ours() == []
    assert scene.deliver("It is down.").comment == "created"
    (comment,) = scene.ours()
    assert "It is down." in comment and "[mailops.triage run=20260504T061209Z-4c1e stage=diagnosis text=" in comment
    again = scene.deliver("It is down.")
    assert (again.comment, again.changed, scene.ours()) == ("unchanged", False, [comment])
    assert scene.deliver("It is half down.", check=True).comment in (scene.fake.renewed, "created")
    found = scene.deliver("It is half down.").comment
    comments = scene.ours()
    if scene.fake.renewed == "updated":
        assert found == "updated" and len(comments) == 1 and "half down" in comments[0]
    else:
        # RT can only be searched for a whole marker: there a newer comment is simply one more.
        assert found in ("added", "created") and len(comments) == 2
    assert scene.deliver("It is half down.").comment == "unchanged"
    assert scene.deliver("It is mended.", stage="result").comment == "created"


def test_a_ticket_is_closed_once(scene: Scene) -> None:
    done = scene.deliver("It is mended.", "result", "resolved")
    assert done.state is scene.fake.closes
    assert scene.fake.state == (scene.fake.closed if scene.fake.closes else scene.fake.open)
    again = scene.deliver("It is mended.", "result", "resolved")
    assert (again.changed, again.state) == (False, False)
    assert scene.deliver("It is down.", "diagnosis", "diagnosed").state is (scene.name == "zabbix")


def test_hostile_text_reaches_the_system_as_one_value(scene: Scene) -> None:
    hostile = (
        '"}]}, {noformat} [code]<b>x</b>[/code] </pre> {user} {{ 7 * 7 }} \\ \x60@all\x60 ^ORactive=true \U0001f600'
    )
    assert scene.deliver(hostile).comment == "created"
    (comment,) = scene.ours()
    # "<" is written in whatever way the system keeps it; all else is there as it was.
    assert "{user} {{ 7 * 7 }} \\ \x60@all\x60 ^ORactive=true \U0001f600" in comment


def test_every_system_with_a_way_back_has_a_double() -> None:
    with_answer = {name for name, system in SYSTEMS.items() if system.answer is not None}
    # Roundup itself is tried in tests/tickets, whatever takes a document below.
    assert with_answer - {"generic", "roundup"} == set(DOUBLES)


def test_alertmanager_and_nagios_have_no_way_back() -> None:
    assert SYSTEMS["alertmanager"].answer is None and SYSTEMS["nagios"].answer is None


@pytest.mark.parametrize("token", [desks.TOKEN, None])
def test_whatever_takes_a_document(token: str | None) -> None:
    answer = SYSTEMS["generic"].answer
    assert answer is not None
    desk = Desk(lambda asked: desks.Raw(200, {"Content-Length": "2"}, (b"ok",)))
    try:
        for text in ("It is down.", "It is half down."):
            letter = desks.letter(answer, "any thing/#7", text, system="generic")
            assert client.deliver(answer, address(f"{desk.url}/in", token=token), letter, ONCE).comment == "created"
        first, second = desk.writes()
    finally:
        desk.close()
    assert (first.method, first.path) == ("POST", "/in")
    assert first.headers.get("authorization") == (f"Bearer {token}" if token else None)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    wanted = {"ticket": "any thing/#7", "run": desks.RUN, "stage": "diagnosis", "verdict": "down"}
    assert {key: first.body[key] for key in wanted} == wanted
    assert first.body["comment"].startswith("It is down.") and first.body["marker"] in first.body["comment"]


@pytest.mark.parametrize(
    ("system", "ticket"),
    [
        ("github", "example/..#1"),
        ("github", "../../x#1"),
        ("github", "example/mail#1/../2"),
        ("gitlab", "group/project#1"),
        ("servicenow", "INC1^ORactive=true"),
        ("jira", "MAIL-7/comment/1"),
        ("zabbix", "7,8"),
        ("rt", "7/history"),
        ("icinga", "mail1!imap!x"),
    ],
)
def test_the_name_of_a_ticket_leads_nowhere_else(system: str, ticket: str) -> None:
    answer = SYSTEMS[system].answer
    assert answer is not None
    desk = Desk(lambda asked: (200, {}))
    try:
        where = address(desk.url, token=desks.TOKEN, user=desks.USER)
        with pytest.raises(client.Trouble) as caught:
            client.deliver(answer, where, desks.letter(answer, ticket), ONCE)
        assert not caught.value.keep and desk.asked == []
    finally:
        desk.close()


def test_a_double_refuses_what_its_system_refuses(scene: Scene) -> None:
    """Or else the tests above would show nothing."""
    answer = SYSTEMS[scene.name].answer
    assert answer is not None
    where = address(scene.desk.url, token="another token", user="nobody")
    with pytest.raises(client.Trouble, match="it answers 401"):
        client.deliver(answer, where, desks.letter(answer, scene.fake.ticket), ONCE)
    assert scene.ours() == []
