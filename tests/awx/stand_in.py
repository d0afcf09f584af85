# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in of the API of AWX on loopback: objects in memory, strict with what it is sent, every request on record."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import demands
import shapes

TOKEN = "canary-of-the-awx-token"
LINKS = ("success_nodes", "failure_nodes", "always_nodes")

Answer = tuple[int, Any]


class Refused(Exception):
    """A request that AWX answers with an error; the arguments are the status and what is wrong."""


@dataclass
class Awx:
    """What is in it, and what it was asked."""

    playbooks: set[str]
    objects: dict[int, dict[str, Any]] = field(default_factory=dict)
    links: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)
    """Of an endpoint, an object and the name of a relation, the identifiers that it holds."""
    surveys: dict[int, dict[str, Any]] = field(default_factory=dict)
    roles: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    """For each role the endpoint and object that it is of, and its name."""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    def written(self) -> list[tuple[str, str, Any]]:
        """The requests that change something."""
        return [request for request in self.requests if request[0] != "GET"]

    def add(self, endpoint: str, **values: Any) -> int:
        """Have an object that somebody else has made; its identifier."""
        return int(self._new(endpoint, shapes.complete(endpoint, values) | values)["id"])

    def named(self, endpoint: str, name: str) -> dict[str, Any]:
        """The one object of this name."""
        key = "identifier" if endpoint == "workflow_job_template_nodes" else "name"
        (found,) = (item for item in self._all(endpoint) if item[key] == name)
        return found

    def granted(self, team: str) -> set[tuple[str, str]]:
        """What a team may do: names of objects with names of roles."""
        number = self.named("teams", team)["id"]
        return {
            (self.objects[of]["name"], role)
            for key, (dummy, of, role) in self.roles.items()
            if number in self.links.get(("roles", key, "teams"), [])
        }

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """Answer a request."""
        parts = urlsplit(path)
        words = parts.path.strip("/").split("/")
        if words[:2] != ["api", "v2"] or len(words) < 3:
            raise Refused(404, {"detail": "Not found."})
        endpoint, *rest = words[2:]
        if endpoint == "project_updates" and method == "GET":
            return 200, {
                "id": int(rest[0]),
                "status": "successful",
                "finished": "2026-01-01T00:00:00Z",
                "failed": False,
            }
        if endpoint == "roles" and rest[1:] == ["teams"]:
            return self._relation(method, endpoint, int(rest[0]), "teams", "teams", body)
        if endpoint != "unified_job_templates" and endpoint not in shapes.ENDPOINTS:
            raise Refused(404, {"detail": f"there is no endpoint {endpoint}"})
        if not rest:
            return (
                self._list(endpoint, dict(parse_qsl(parts.query))) if method == "GET" else self._create(endpoint, body)
            )
        if not rest[0].isdigit() or int(rest[0]) not in self.objects:
            raise Refused(404, {"detail": "Not found."})
        item = self.objects[int(rest[0])]
        if len(rest) == 1:
            return self._one(method, endpoint, item, body)
        return self._below(method, endpoint, item, rest[1], body)

    def _all(self, endpoint: str) -> list[dict[str, Any]]:
        kinds = shapes.UNIFIED if endpoint == "unified_job_templates" else (endpoint,)
        types = {shapes.ENDPOINTS[kind]["type"] for kind in kinds}
        return [self._shown(item) for item in self.objects.values() if item["type"] in types]

    def _list(self, endpoint: str, query: dict[str, str]) -> Answer:
        fields = shapes.ENDPOINTS.get(endpoint, {"fields": {"name": 1, "organization": 1}, "read_only": ["type"]})
        for name in query:
            if name.removeprefix("or__") not in {"id", *fields["fields"], *fields["read_only"]}:
                raise Refused(400, {"detail": f"{endpoint} has no field named '{name}'"})
        either = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
        plain = {name: value for name, value in query.items() if not name.startswith("or__")}
        found = [
            item
            for item in self._all(endpoint)
            if all(str(item.get(name)) == value for name, value in plain.items())
            and (not either or any(str(item.get(name)) == value for name, value in either.items()))
        ]
        return 200, {"count": len(found), "next": None, "previous": None, "results": found}

    def _create(self, endpoint: str, body: Any) -> Answer:
        if endpoint in ("unified_job_templates", "workflow_approval_templates"):
            raise Refused(405, {"detail": "Method not allowed."})
        right = self._right(endpoint, body, {})
        item = self._new(endpoint, shapes.complete(endpoint, right) | right)
        shown = self._shown(item)
        if endpoint == "projects":
            shown["summary_fields"]["current_update"] = {"id": item["id"] + 1000}
        return 201, shown

    def _one(self, method: str, endpoint: str, item: dict[str, Any], body: Any) -> Answer:
        if method == "PATCH":
            item.update(self._right(endpoint, body, item))
        elif method == "DELETE":
            del self.objects[item["id"]]
            return 204, None
        elif method != "GET":
            raise Refused(405, {"detail": "Method not allowed."})
        return 200, self._shown(item)

    def _below(self, method: str, endpoint: str, item: dict[str, Any], name: str, body: Any) -> Answer:
        if name == "survey_spec" and endpoint in ("job_templates", "workflow_job_templates"):
            if method == "GET":
                return 200, self.surveys.get(item["id"], {})
            complaint = demands.survey(body) if method == "POST" else ""
            if complaint:
                raise Refused(400, {"error": complaint})
            self.surveys[item["id"]] = body if method == "POST" else {}
            return 200, {}
        if name == "create_approval_template" and method == "POST":
            errors = shapes.check("workflow_approval_templates", body, partial=False)
            if errors:
                raise Refused(400, errors)
            approval = self._new("workflow_approval_templates", shapes.complete("workflow_approval_templates", body))
            item["unified_job_template"] = approval["id"]
            return 201, self._shown(approval)
        to = shapes.ENDPOINTS[endpoint]["related"].get(name)
        if to is None:
            raise Refused(404, {"detail": f"{endpoint} has nothing below it named {name}"})
        return self._relation(method, endpoint, item["id"], name, to, body)

    def _relation(self, method: str, endpoint: str, number: int, name: str, to: str, body: Any) -> Answer:
        have = self.links.setdefault((endpoint, number, name), [])
        if method == "GET":
            found = [self._shown(self.objects[one]) for one in have]
            return 200, {"count": len(found), "next": None, "previous": None, "results": found}
        if method != "POST" or set(body) - {"id", "disassociate"} or not isinstance(body.get("id"), int):
            raise Refused(400, {"detail": "an id is expected, and at most disassociate"})
        if self.objects.get(body["id"], {}).get("type") != shapes.ENDPOINTS[to]["type"]:
            raise Refused(400, {"detail": f"{to} has no object {body['id']}"})
        if body.get("disassociate"):
            have.remove(body["id"])
            return 204, None
        complaint = self._may_link(endpoint, number, name, body["id"])
        if complaint:
            raise Refused(400, {"detail": complaint})
        have.append(body["id"])
        return 204, None

    def _may_link(self, endpoint: str, number: int, name: str, to: int) -> str:
        if name == "credentials":
            kinds = [self.objects[one]["credential_type"] for one in self.links[(endpoint, number, name)]]
            return (
                "Cannot assign multiple credentials of one type."
                if self.objects[to]["credential_type"] in kinds
                else ""
            )
        if name not in LINKS:
            return ""
        others = [other for other in LINKS if other != name]
        if any(to in self.links.get((endpoint, number, other), []) for other in others):
            return "Relationship not allowed."
        return "Cycle detected." if number == to or number in self._after(to) else ""

    def _after(self, number: int) -> set[int]:
        """All nodes that come after a node."""
        found: set[int] = set()
        ahead = [number]
        while ahead:
            here = ahead.pop()
            for name in LINKS:
                fresh = set(self.links.get(("workflow_job_template_nodes", here, name), [])) - found
                found |= fresh
                ahead += fresh
        return found

    def _new(self, endpoint: str, item: dict[str, Any]) -> dict[str, Any]:
        number = max(self.objects, default=0) + 1
        item = {**item, "id": number, "type": shapes.ENDPOINTS[endpoint]["type"]}
        self.objects[number] = item
        for role in shapes.ENDPOINTS[endpoint]["roles"]:
            self.roles[len(self.roles) + 1] = (endpoint, number, f"{role}_role")
        return item

    def _right(self, endpoint: str, body: Any, existing: dict[str, Any]) -> dict[str, Any]:
        """The fields of a body to write.

        :raises Refused: when something is wrong with it
        """
        errors = shapes.check(endpoint, body, partial=bool(existing))
        fields = shapes.ENDPOINTS[endpoint]["fields"]
        body = {name: value for name, value in copy.deepcopy(body).items() if name in fields} if not errors else {}
        for name, value in body.items():
            if fields[name]["type"] == "id" and value is not None:
                if not any(item["id"] == value for item in self._all(fields[name]["to"])):
                    errors[name] = [f'Invalid pk "{value}" - object does not exist.']
        if not errors:
            whole = (existing or shapes.complete(endpoint, body)) | body
            complaint = self._demands(endpoint, whole)
            if endpoint == "job_templates" and whole["project"]:
                whole["organization"] = self.objects[whole["project"]]["organization"]
                body["organization"] = whole["organization"]
            if self._twin(endpoint, whole):
                complaint = f"{endpoint}: one with these {shapes.ENDPOINTS[endpoint]['unique']} already exists."
            errors = {"__all__": [complaint]} if complaint else {}
        if errors:
            raise Refused(400, errors)
        return dict(body)

    def _twin(self, endpoint: str, whole: dict[str, Any]) -> bool:
        keys = shapes.ENDPOINTS[endpoint]["unique"]
        return any(
            item["id"] != whole.get("id") and all(item.get(key) == whole.get(key) for key in keys)
            for item in self._all(endpoint)
        )

    def _demands(self, endpoint: str, whole: dict[str, Any]) -> str:
        if endpoint == "job_templates":
            if not whole["project"]:
                return "Job Templates must have a project assigned."
            if not whole["inventory"] and not whole["ask_inventory_on_launch"]:
                return "You must either set a default value or ask to prompt on launch."
            return "" if whole["playbook"] in self.playbooks else "Playbook not found for project."
        if endpoint == "credential_types":
            return demands.credential_type(whole["inputs"], whole["injectors"], whole["kind"])
        if endpoint == "notification_templates":
            return demands.notification(
                whole["notification_type"], whole["notification_configuration"], whole["messages"]
            )
        if endpoint == "schedules":
            return demands.rrule(whole["rrule"]) or self._prompts(whole)
        return self._prompts(whole) if endpoint == "workflow_job_template_nodes" else ""

    def _prompts(self, whole: dict[str, Any]) -> str:
        """What a node or a schedule sets beforehand is allowed where its template asks for it."""
        template = self.objects.get(whole["unified_job_template"] or 0, {})
        for name, ask in (("limit", "limit"), ("job_type", "job_type"), ("inventory", "inventory")):
            if whole[name] and not template.get(f"ask_{ask}_on_launch"):
                return f"Field {name} is not configured to prompt on launch."
        spec = self.surveys.get(template.get("id", 0), {}) if template.get("survey_enabled") else {}
        return demands.answers(spec, whole["extra_data"], bool(template.get("ask_variables_on_launch")))

    def _shown(self, item: dict[str, Any]) -> dict[str, Any]:
        """An object as AWX shows it."""
        endpoint = next(name for name, shape in shapes.ENDPOINTS.items() if shape["type"] == item["type"])
        url = f"/api/v2/{endpoint}/{item['id']}/"
        related = {name: f"{url}{name}/" for name in shapes.ENDPOINTS[endpoint]["related"]}
        if endpoint in ("job_templates", "workflow_job_templates"):
            related["survey_spec"] = f"{url}survey_spec/"
        if item.get("unified_job_template"):
            template = self.objects[item["unified_job_template"]]
            kind = next(name for name, shape in shapes.ENDPOINTS.items() if shape["type"] == template["type"])
            related["unified_job_template"] = f"/api/v2/{kind}/{template['id']}/"
        roles = {role: {"id": key, "name": role} for key, (dummy, of, role) in self.roles.items() if of == item["id"]}
        more: dict[str, Any] = {"scm_revision": "0" * 40} if endpoint == "projects" else {}
        if "managed" in shapes.ENDPOINTS[endpoint]["read_only"]:
            more["managed"] = False
        return {**item, **more, "url": url, "related": related, "summary_fields": {"object_roles": roles}}


def _handler(awx: Awx) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            body = json.loads(text) if text else None
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Refused(401, {"detail": "Authentication credentials were not provided."})
                awx.requests.append((self.command, self.path, body))
                status, answer = awx.answer(self.command, self.path, body)
            except Refused as refused:
                status, answer = refused.args
            data = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", shapes.API["version"])
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _do

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the requests are on record."""

    return Handler


@contextmanager
def running(playbooks: set[str]) -> Iterator[Awx]:
    """An empty AWX with nothing but an organization, an inventory and a machine credential."""
    awx = Awx(playbooks)
    organization = awx.add("organizations", name="Example")
    awx.add("inventories", name="Mail hosts", organization=organization)
    machine = awx.add("credential_types", name="Machine", kind="ssh")
    awx.add("credentials", name="Mail login", organization=organization, credential_type=machine)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(awx))
    awx.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield awx
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
