# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Postfix's main.cf that are changed for a while, and come back as they were.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import nft
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

KIND = "postfix"


def parse(text):
    """C(name = value) lines of postconf, as a dict."""
    found = {}
    for line in text.splitlines():
        name, sign, value = line.partition("=")
        if sign and not line[:1].isspace():
            found.setdefault(name.strip(), value.strip())
    return found


def explicit(here):
    """What main.cf sets itself.

    :raises Failed: when postconf cannot say
    """
    return parse(here.must(["postconf", "-n"]))


def value(here, name):
    """A setting in force, with its references replaced; an empty text when there is none."""
    result = here.run(["postconf", "-x", "-h", name])
    return clean(result.out, 4000) if result.status == "ok" and not result.rc else ""


def change(name, new, here):
    """The data of a change: former is None for what main.cf does not set."""
    return {"name": name, "former": explicit(here).get(name), "new": new}


def check(here, data):
    """Can it be done here?

    :raises Cannot: when not
    """
    try:
        explicit(here)
    except Failed as error:
        raise Cannot("syntax", "Postfix's configuration cannot be read ({0})".format(error)) from error


def present(here, data) -> bool:
    """Do the settings stand as they were meant to?"""
    now = explicit(here)
    return all(now.get(one["name"]) == one["new"] for one in data["settings"])


def apply(here, data):
    """Set them and reload; a reload drops nobody."""
    pairs = ["{0}={1}".format(one["name"], one["new"]) for one in data["settings"]]
    here.must(["postconf", "-e"] + pairs)
    said = ["main.cf: " + ", ".join(pairs), reload(here)]
    closed = nft.told(nft.close_sessions(here, data["close"], data["ports"])) if data.get("close") else ""
    return said + ([closed] if closed else [])


def undo(here, data):
    """Bring the former values back; one that somebody changed since is left alone."""
    if not here.has("postconf"):
        return ["Postfix is gone"]
    now, said, put = explicit(here), [], False
    for one in data["settings"]:
        name, former = one["name"], one["former"]
        if now.get(name) == former:
            said.append("{0} is as it was".format(name))
        elif now.get(name) != one["new"]:
            said.append("{0} was changed by somebody since, and stays".format(name))
        else:
            _put(here, name, former)
            put = True
            said.append("{0} is {1} again".format(name, former if former is not None else "at its default"))
    # While the memory has no room this comes again every half minute, and has nothing to reload.
    return said + ([reload(here)] if put else [])


def diff(here, data):
    """(before, after) as lines."""
    before = ["{0} = {1}".format(one["name"], one["former"]) for one in data["settings"] if one["former"] is not None]
    return before, ["{0} = {1}".format(one["name"], one["new"]) for one in data["settings"]]


def add_piece(here, name, piece):
    """Put one more restriction in front of a list of them, unless it stands there."""
    former = explicit(here).get(name, "")
    if piece in _pieces(former):
        return
    here.must(["postconf", "-e", "{0}={1}".format(name, ", ".join([piece] + ([former] if former else [])))])


def has_piece(here, name, piece) -> bool:
    """Does it stand there?"""
    return piece in _pieces(explicit(here).get(name, ""))


def drop_piece(here, name, piece) -> bool:
    """Take one restriction out of a list; the others stay as they are. False when it was not there."""
    former = explicit(here).get(name, "")
    pieces = _pieces(former)
    if piece not in pieces:
        return False
    place = former.index(piece)
    before, after = former[:place].rstrip(" ,"), former[place + len(piece) :].lstrip(" ,")
    rest = ", ".join(part for part in (before, after) if part)
    _put(here, name, rest or None)
    return True


def _pieces(text):
    """Restrictions of a list, each with its argument."""
    words = [word for word in text.replace(",", " ").split() if word]
    return [" ".join(words[place : place + 2]) for place in range(len(words))] + words


def _put(here, name, text):
    if text is None:
        here.must(["postconf", "-X", name])
    else:
        here.must(["postconf", "-e", "{0}={1}".format(name, text)])


def reload(here):
    """Let Postfix read its settings; tells what came of it."""
    result = here.run(["postfix", "reload"])
    if result.status == "ok" and not result.rc:
        return "Postfix was reloaded"
    words = clean(result.err, 200)
    return "Postfix was not reloaded" + (": " + words if words else "")
