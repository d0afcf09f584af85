# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladders of SMTP, submission and LMTP (RFC 5321, 3207, 4954, 2033). Nothing is delivered: they end at RSET.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import base64
import re

from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Failure

_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?$", re.DOTALL)
_BEGINNING = re.compile(rb"[2-5]?$|[2-5][0-9]{1,2}$|[2-5][0-9]{2}[ -]")
# Codes with which a server of before 1995 says that it does not know EHLO.
_NO_EHLO = ("500", "502", "504")


def reply(session):
    """One reply: (code, its lines joined by a space, list of lines without codes)."""
    lines = []
    while True:
        raw = yield from session.line()
        match = _REPLY.match(raw)
        if match is None:
            # Nothing more is said to somebody who speaks another language.
            session.bye = ()
            raise Failure("protocol_error", "not an SMTP reply: %s" % session.safe(raw, 200))
        if len(lines) < 200:
            lines.append(match.group(3) or b"")
        if match.group(2) != b"-":
            return match.group(1).decode("ascii"), b" ".join(lines), lines
        if session.rung == "banner" and len(lines) == 1:
            # Postfix's postscreen shows a first line, then watches for some seconds who speaks too early. The line
            # proves that somebody is there; the rest of the greeting is given the time that takes.
            session.until = max(session.until, session.began + session.setup.greet_seconds)


def _good_bye(session):
    code, text, _lines = yield from reply(session)
    return code, text


def ask(session, rung: str, command: bytes, outcome: str = "protocol_error"):
    """One rung: send a command, want a 2xx answer. Returns the lines of the answer."""
    session.begin(rung)
    yield from session.send(command + b"\r\n")
    code, text, lines = yield from reply(session)
    if code[0] != "2":
        raise Failure(outcome, session.safe(text), code)
    session.passed(code, text)
    return lines


def _banner(session):
    session.expects = _BEGINNING
    session.begin("banner")
    code, text, _lines = yield from reply(session)
    session.bye = (b"QUIT\r\n", _good_bye)
    if code[0] != "2":
        raise Failure("protocol_error", session.safe(text), code)
    session.greeting = session.safe(text)
    session.passed(code, text)


def _name(session) -> bytes:
    """Who we say we are: the name given, else the address literal, which no server may call malformed."""
    if session.setup.helo:
        return session.setup.helo
    address = session.sock.getsockname()[0].partition("%")[0]
    return ("[IPv6:%s]" if ":" in address else "[%s]").encode("ascii") % address.encode("ascii")


def _hello(session):
    """EHLO, or HELO where that is unknown: the extensions offered as {NAME: parameters}."""
    name = _name(session)
    try:
        lines = yield from ask(session, "ehlo", b"EHLO " + name)
    except Failure as failure:
        if failure.code not in _NO_EHLO or session.tunnel is not None:
            raise
        session.record(False, failure.code, failure.text)
        lines = yield from ask(session, "helo", b"HELO " + name)
        lines = lines[:1]
    offered = {}
    for line in lines[1:]:
        words = line.decode("ascii", "replace").upper().replace("=", " ").split()
        if words:
            offered.setdefault(words[0], set()).update(words[1:])
    return offered


def _upgrade(session, hello):
    """STARTTLS, then the greeting again, as RFC 3207 wants it."""
    session.begin("starttls")
    yield from session.send(b"STARTTLS\r\n")
    code, text, _lines = yield from reply(session)
    if code[0] != "2":
        raise Failure("protocol_error", session.safe(text), code)
    farewell, session.bye = session.bye, ()
    agreed = yield from session.secure()
    session.bye = farewell
    session.passed(code, agreed)
    return (yield from hello(session))


def _login(session, offered):
    """AUTH PLAIN; False (and a note) where the password would have to travel in the clear or is not wanted."""
    if session.tunnel is None and not session.job.loopback:
        session.note = "login not tried: the session is not encrypted"
    elif "PLAIN" not in offered.get("AUTH", ()):
        session.note = "login not tried: AUTH PLAIN is not offered"
    else:
        user, password = session.setup.account
        token = base64.b64encode(b"\0" + user + b"\0" + password)
        yield from ask(session, "login", b"AUTH PLAIN " + token, "auth_error")
        return True
    return False


def _envelope(session, recipient, anonymous: bool = False):
    """MAIL, RCPT, RSET."""
    try:
        yield from ask(session, "mail", b"MAIL FROM:<" + session.setup.sender + b">")
    except Failure as failure:
        if anonymous and failure.code == "530":
            # A submission server that wants a login first is doing its work.
            session.passed(failure.code, failure.text)
            return
        raise
    if recipient:
        yield from ask(session, "rcpt", b"RCPT TO:<" + recipient + b">")
    yield from ask(session, "rset", b"RSET")


def _dialogue(session):
    yield from _banner(session)
    offered = yield from _hello(session)
    if "STARTTLS" in offered and session.tunnel is None:
        offered = yield from _upgrade(session, _hello)
    return offered


def smtp(session):
    """Port 25, from connect to RSET."""
    yield from session.open(False)
    yield from _dialogue(session)
    yield from _envelope(session, session.setup.recipient)


def _submit(session, implicit_tls: bool):
    yield from session.open(implicit_tls)
    offered = yield from _dialogue(session)
    known = False
    if session.setup.account is not None:
        known = yield from _login(session, offered)
    if known or "AUTH" not in offered:
        yield from _envelope(session, session.setup.recipient, not known)


def submission(session):
    """Port 587: without an account it ends where AUTH is offered."""
    yield from _submit(session, False)


def submissions(session):
    """Port 465: submission that begins with TLS."""
    yield from _submit(session, True)


def _lhlo(session):
    lines = yield from ask(session, "lhlo", b"LHLO " + _name(session))
    return {line.decode("ascii", "replace").upper().split(" ")[0] for line in lines[1:]}


def lmtp(session):
    """LMTP; a recipient is named only where the probe has a mailbox of its own, since postmaster need not be one."""
    yield from session.open(False)
    yield from _banner(session)
    offered = yield from _lhlo(session)
    if "STARTTLS" in offered:
        yield from _upgrade(session, _lhlo)
    account = session.setup.account
    yield from _envelope(session, account[0] if account is not None else None)
