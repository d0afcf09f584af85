# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has a mailbox here, and whom the password file keeps out. No hash and no password ever leaves this file.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import dovecot, procfs

# path: where the mail lies; uid: of the account, None when all share one
Account = namedtuple("Account", "user home uid path")
# driver: mail format, such as maildir; template: path with variables
Location = namedtuple("Location", "driver template")

_MOST_ACCOUNTS = 5000
_DAY = 86400
# A crypted password is longer than the marks that stand for "none"; before it a lock puts one or two "!".
_SHORTEST_HASH = 13
_VARIABLE = re.compile(
    r"%(?:\{([^{}]*)\}|[LU]*(?P<cut>[\d.]*)[LU]*(?P<name>[undh]))",
)
_NAMED = {"user": "u", "username": "n", "domain": "d", "home": "h", "owner_user": "u"}
_HOME = re.compile(r"~|%h|%\{home\}")
_BLOCK = re.compile(r"^(passdb|userdb)(?:\s+([\w-]+))?\s*\{")
_DRIVER = re.compile(r"^\s+(?:driver|passdb_driver|userdb_driver)\s*=\s*(\S+)")


def location(values):
    """Where Dovecot's mail lies.

    :param values: settings outside every block
    :returns: a Location; an empty template means that Dovecot finds the mail by itself
    """
    text = values.get("mail_path") or values.get("mail_location", "")
    scheme, colon, rest = text.partition(":")
    if not colon or text.startswith(("/", "~", "%")):
        scheme, rest = values.get("mail_driver", ""), text
    return Location(scheme.lower(), rest.split(":")[0])


def drivers(text, kind):
    """Drivers of the C(passdb) or C(userdb) blocks of doveconf's output, in their order."""
    found, inside = [], False
    for line in text.splitlines():
        head = _BLOCK.match(line)
        if head:
            inside = head.group(1) == kind
            if inside:
                found.append(head.group(2))
        elif line.startswith("}"):
            inside = False
        elif inside and found:
            match = _DRIVER.match(line)
            if match:
                found[-1] = match.group(1)
    return [driver for driver in found if driver]


def fill(template, user, home):
    """A path with the variables of one user put in; None when it holds one that is not known here."""
    name, at, domain = user.partition("@")
    known = {"u": user, "n": name, "d": domain, "h": home}

    def put(match):
        value = known.get(_letter(match))
        if value is None or match.group("cut"):
            raise KeyError(match.group(0))
        return value

    try:
        path = _VARIABLE.sub(put, template)
    except KeyError:
        return None
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    return path if path.startswith("/") else None


def _letter(match):
    if match.group("name"):
        return match.group("name")
    words = [word.strip() for word in (match.group(1) or "").split("|")]
    # "{user | domain}" and "{user | username | lower}": the last word that picks a part says which.
    picked = [_NAMED[word] for word in words if word in _NAMED]
    return picked[-1] if picked else None


def parse_passwd(text, first_uid, last_uid):
    """Accounts of a passwd file that Dovecot would let in, as a list of (user, home, uid)."""
    found = []
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) < 6 or not fields[2].isdigit() or not fields[5].startswith("/"):
            continue
        uid = int(fields[2])
        if first_uid <= uid and (uid <= last_uid or not last_uid) and uid != 65534:
            found.append((fields[0], fields[5].rstrip("/") or "/", uid))
    return found[:_MOST_ACCOUNTS]


def on_disk(template):
    """Users whose mail lies below a path such as C(/var/vmail/%d/%n), found by reading its directories.

    :returns: list of (user, path)
    """
    base = dovecot.static_part(template)
    steps = [step for step in template[len(base) :].split("/") if step]
    # What follows the last variable is the same for everybody.
    depth = max([number for number, step in enumerate(steps, 1) if _VARIABLE.search(step)] or [0])
    tail, places = steps[depth:], [(base, {})]
    for step in steps[:depth]:
        pattern, letters = _step(step)
        deeper = []
        for folder, known in places:
            for name in _listed(folder):
                match = pattern.match(name)
                if match and len(deeper) < _MOST_ACCOUNTS:
                    deeper.append((folder + "/" + name, dict(known, **dict(zip(letters, match.groups())))))
        places = deeper
    found = []
    for folder, known in places:
        user = known.get("u") or (
            "@".join([known["n"], known["d"]]) if "d" in known and "n" in known else known.get("n")
        )
        if user:
            found.append((user, "/".join([folder] + tail)))
    return found


def _step(step):
    """(pattern, variables) of one part of a path; a shortened variable is somebody's bucket and names nobody."""
    letters, place, text = [], 0, ""
    for match in _VARIABLE.finditer(step):
        text += re.escape(step[place : match.start()])
        letter = _letter(match)
        if match.group("cut") or letter not in ("u", "n", "d"):
            text += "[^/]*"
        else:
            letters.append(letter)
            text += "([^/]+)"
        place = match.end()
    return re.compile("(?:" + text + re.escape(step[place:]) + ")$"), letters


def _listed(folder):
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))[:_MOST_ACCOUNTS]
    except OSError:
        return []


def known(context):
    """Shared look: every account with a mailbox that can be named without asking a directory server.

    :returns: list of Account
    """
    text = dovecot.text(context)
    values = dovecot.parse_settings(text)
    where = location(values)
    found, users = [], set()
    system = [driver for driver in drivers(text, "userdb") if driver in ("passwd", "nss", "pam")]
    if system:
        first = _number(values.get("first_valid_uid"), 500)
        passwd = procfs.try_text(context.path("/etc/passwd"), 4 << 20)
        for user, home, uid in parse_passwd(passwd, first, _number(values.get("last_valid_uid"), 0)):
            path = fill(where.template or "~/Maildir", user, context.path(home))
            if path is not None:
                users.add(user)
                found.append(Account(user, context.path(home), uid, path))
    for template in _homes(text, values, where):
        for user, path in on_disk(context.path(template)):
            if user not in users and len(found) < _MOST_ACCOUNTS:
                users.add(user)
                found.append(Account(user, path, None, path))
    return found


def bases(context):
    """Directories that known() lists, by the configuration alone: none of them is touched."""
    text = dovecot.text(context)
    values = dovecot.parse_settings(text)
    return [dovecot.static_part(context.path(template)) for template in _homes(text, values, location(values))]


def _homes(text, values, where):
    """Paths with variables below which virtual users' mail lies."""
    if "%" in where.template and not where.template.startswith(("%h", "%{home")):
        return [where.template]
    homes = [values.get("mail_home", "")] + dovecot.userdb_homes(text)
    found = []
    for home in homes:
        if home.startswith("/") and "%" in home:
            template = where.template or "~/Maildir"
            sign = _HOME.match(template)
            path = home + template[sign.end() :] if sign else template
            if path not in found:
                found.append(path)
    return found


def _number(text, default):
    return int(text) if text and text.isdigit() else default


def parse_shadow(text, now):
    """Whom the shadow file keeps out.

    :returns: dict of user to (why, since): C(locked), C(account_expired) or C(password_expired), and the epoch of the
        day from which on, or None; users that never had a password are not in it
    """
    today, found = int(now // _DAY), {}
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) < 8:
            continue
        secret = fields[1]
        changed, longest, expire = [_number(fields[place], None) for place in (2, 4, 7)]
        has_password = len(secret.lstrip("!*")) >= _SHORTEST_HASH
        if expire is not None and expire <= today:
            found[fields[0]] = ("account_expired", expire * _DAY)
        elif secret.startswith("!") and has_password:
            found[fields[0]] = ("locked", None)
        elif has_password and changed == 0:
            found[fields[0]] = ("password_expired", None)
        elif has_password and changed and longest is not None and changed + longest < today:
            found[fields[0]] = ("password_expired", (changed + longest) * _DAY)
    return found


def barred(context):
    """Shared look: see parse_shadow; empty where Dovecot asks others for passwords, None when nobody may look."""
    if not {"pam", "shadow", "passwd", "bsdauth"} & set(drivers(dovecot.text(context), "passdb")):
        return {}
    try:
        return parse_shadow(procfs.read_text(context.path("/etc/shadow"), 4 << 20), context.now)
    except OSError as error:
        context.note("mailboxes", "/etc/shadow: {0}".format(error.strerror or error))
        return None
