# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to be contained: names that came out of log lines that an attacker wrote, taken apart and checked.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
import re

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

NOBODY = "<>"
"""The empty sender, whose mail are bounces and the like."""

WIDEST = {4: 20, 6: 44}
"""Shortest prefixes that may be kept out: wider ones are whole providers."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(r"(?=.{1,64}\Z)" + _ATOM + r"(?:\." + _ATOM + r")*\Z")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(r"(?=.{1,253}\Z)" + _LABEL + r"(?:\." + _LABEL + r")*\Z")
_SERVICE = re.compile(r"[a-z0-9_.:-]{1,60}\Z")
# Rules put a question mark where a fact is not known.
_UNKNOWN = ("", "?")


def given(args, name):
    """An argument as text, or an empty text when it is absent or the rule did not know it."""
    value = args.get(name)
    text = "" if value is None else str(value).strip()
    return "" if text in _UNKNOWN else text


def account(text):
    """A login name: a local part, or a whole address; small letters.

    :raises Cannot: when it is none
    """
    local, sign, place = text.rpartition("@")
    if not sign:
        local, place = text, ""
    if not _LOCAL.match(local) or (sign and not _DOMAIN.match(place)):
        raise _invalid("account", text)
    return text.lower()


def sender(text):
    """An address of the envelope, or NOBODY; small letters.

    :raises Cannot: when it is none
    """
    if text in (NOBODY, "MAILER-DAEMON"):
        return NOBODY
    local, sign, place = text.rpartition("@")
    if not sign or not _LOCAL.match(local) or not _DOMAIN.match(place):
        raise _invalid("sender", text)
    return text.lower()


def domain(text):
    """A domain; small letters.

    :raises Cannot: when it is none
    """
    if not _DOMAIN.match(text):
        raise _invalid("domain", text)
    return text.lower()


def service(text):
    """A service of master.cf or of Dovecot.

    :raises Cannot: when it is none
    """
    if not _SERVICE.match(text):
        raise _invalid("service", text)
    return text


def network(text, kind="block"):
    """An address or a block of addresses, as an ipaddress network.

    :raises Cannot: when it is none
    """
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _invalid(kind, text) from None
    mapped = found.network_address.ipv4_mapped if found.version == 6 else None
    if mapped is not None and found.prefixlen >= 96:
        found = ipaddress.ip_network("{0}/{1}".format(mapped, found.prefixlen - 96), strict=False)
    return found


def plain(found):
    """A network as people write it: one address without its length."""
    return str(found.network_address) if found.num_addresses == 1 else str(found)


def _invalid(kind, text):
    return Cannot("invalid", "this is no {0}: {1}".format(kind, clean(text, 80)))
