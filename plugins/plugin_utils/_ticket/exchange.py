# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to a ticket system, and what it answers: bounded in time and size, whatever is at the other end.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Redirects are not followed: a token must not go where a ticket system sends it. Certificates are always verified.
"""

from __future__ import annotations

import json
import queue
import threading
import typing as t
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import Address
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.hide import Hide

Document = dict[str, t.Any]

MOST_BYTES = 4 << 20
"""Bytes of an answer that are read; a longer one is refused."""
_PIECE = 1 << 16
_AGAIN = (408, 409, 412, 423, 425, 429)
"""Beside 5xx: what may go well in a moment. 409 and 412 say that somebody else was quicker."""
_POINTLESS = (400, 404, 405, 410, 411, 413, 414, 415, 422)
"""What will not go well another day either."""


class Trouble(Exception):
    """An answer could not be delivered; the text tells a person why, and holds no secret.

    :ivar again: it may go well in a moment
    :ivar keep: it may go well another day
    :ivar wait: seconds that the ticket system asks for, or 0
    """

    def __init__(self, says: str, again: bool = False, keep: bool = True, wait: float = 0.0) -> None:
        super().__init__(says)
        self.again = again
        self.keep = keep
        self.wait = wait


def exchange(
    address: Address,
    method: str,
    path: str,
    headers: t.Mapping[str, str],
    body: t.Any,
    *,
    seconds: float,
    hide: Hide,
    strict: bool = True,
) -> Document:
    """Make one request.

    :param path: what follows the address, quoted
    :param body: what is sent as JSON, a text that is sent as it is, or None
    :param seconds: for all of it, from the connection to the last byte
    :param hide: keeps secrets out of messages
    :param strict: an answer of success must be JSON, or empty
    :returns: C(status), C(headers) (names in lower case) and C(body), which is parsed when it is JSON
    :raises Trouble: for anything but an answer of success
    """
    what = f"{method} {urlsplit(address.origin).netloc}{clean(path.partition('?')[0], 120)}"
    sent = dict(headers)
    data = None
    if body is not None:
        text = isinstance(body, str)
        data = body.encode("utf-8", "replace") if text else json.dumps(body).encode("ascii")
        sent.setdefault("Content-Type", "text/plain; charset=utf-8" if text else "application/json")
    sent.setdefault("Accept", "application/json")
    try:
        status, answered, raw = _within(seconds, lambda: _ask(address, method, path, sent, data, seconds))
    except Exception as exc:
        # Whatever a library says may quote what it was given.
        raise Trouble(f"{what}: {hide(clean(_reason(exc), 200))}", again=True) from None
    if 300 <= status < 400:
        where = urlsplit(answered.get("location", ""))
        raise Trouble(
            f"{what}: it answers with a redirect to {hide(clean(f'{where.scheme}://{where.netloc}', 120))}, which is "
            "not followed: set ticket_url to where it really is"
        )
    if status >= 400 or status < 200:
        said = hide(clean(raw[:2000], 200)) or "no text"
        wait = answered.get("retry-after", "")
        raise Trouble(
            f"{what}: it answers {status}: {said}",
            again=status >= 500 or status in _AGAIN,
            keep=status not in _POINTLESS,
            wait=float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0.0,
        )
    return {"status": status, "headers": answered, "body": _parsed(raw, answered, what, strict)}


def _ask(
    address: Address, method: str, path: str, headers: dict[str, str], data: bytes | None, seconds: float
) -> tuple[int, dict[str, str], bytes]:
    """Ask, and read status, headers and body; an answer of failure is an answer, too."""
    try:
        answer = open_url(
            address.url + path,
            method=method,
            headers=headers,
            data=data,
            timeout=max(0.1, seconds),
            http_agent="mailops.triage",
            follow_redirects="none",
            validate_certs=True,
            ca_path=address.ca_path,
            # A ~/.netrc must not put its own login in the place of ours.
            use_netrc=False,
            decompress=False,
        )
    except HTTPError as exc:
        answer = exc
    with answer:
        pieces = []
        size = 0
        # One piece at a time: a sender that drips is noticed by whoever waits for us.
        while True:
            piece = answer.read(_PIECE)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise ValueError(f"its answer is longer than {MOST_BYTES >> 20} MiB")
        names = {name.lower(): str(value) for name, value in answer.headers.items()}
        return int(getattr(answer, "status", None) or answer.code), names, b"".join(pieces)


def _within(seconds: float, call: t.Callable[[], t.Any]) -> t.Any:
    """Call, and give up after some seconds: time-outs of sockets start anew with each byte that comes.

    :raises TimeoutError: when the time is up; the thread ends by itself, and never keeps the process
    """
    box: queue.SimpleQueue[tuple[bool, t.Any]] = queue.SimpleQueue()

    def work() -> None:
        try:
            box.put((True, call()))
        except BaseException as exc:
            box.put((False, exc))

    threading.Thread(target=work, daemon=True).start()
    try:
        good, found = box.get(timeout=max(0.1, seconds))
    except queue.Empty:
        raise TimeoutError(f"no whole answer within {seconds:.0f} s") from None
    if not good:
        raise found
    return found


def _reason(exc: BaseException) -> str:
    """What went wrong, without the layers around it."""
    reason = getattr(exc, "reason", None)
    text = str(reason if reason else exc).strip()
    return text or type(exc).__name__


def _parsed(raw: bytes, headers: Document, what: str, strict: bool) -> t.Any:
    """The body of an answer: parsed JSON, or None where there is none."""
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        if not strict:
            return None
        # A page of a proxy, of a login, or of a maintenance says 200 as well.
        kind = clean(headers.get("content-type", "unknown"), 60)
        raise Trouble(f"{what}: its answer is no JSON (content type {kind})", again=True) from None
