# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sweep may be asked: defaults, and the checks on what callers give.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import socket

PORTS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "lmtp": 24,
    "sieve": 4190,
    "ssh": 22,
}

DEFAULTS = {
    "timeout": 3.0,
    "deadline": 15.0,
    "per_host": 8,
    "helo": None,
    "sender": "",
    "recipient": "postmaster",
    "account": None,
    "ping": True,
    "vantage": None,
    "families": ["ipv4", "ipv6"],
}

MAX_PER_HOST = 8


class OptionError(ValueError):
    """A target or an option that makes no sense; the text says which."""


def _number(options: dict, key: str, low: float, high: float, kind) -> None:
    try:
        value = kind(options[key])
    except (TypeError, ValueError):
        raise OptionError("%s must be a number, not %r" % (key, options[key])) from None
    if not low <= value <= high:
        raise OptionError("%s must lie between %s and %s, not %s" % (key, low, high, value))
    options[key] = value


def _word(options: dict, key: str, longest: int = 255) -> None:
    """A string that goes into a command: no control characters, no blanks, no angle brackets."""
    value = options[key]
    if not isinstance(value, str) or len(value) > longest:
        raise OptionError("%s must be a text of at most %d characters" % (key, longest))
    if any(not 0x20 < ord(letter) < 0x7F or letter in "<>" for letter in value):
        raise OptionError("%s must not contain blanks, angle brackets, control or non-ASCII characters" % key)


def _account(value) -> dict:
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("user", "password")):
        raise OptionError("account must have user and password")
    for key in ("user", "password"):
        if not value[key] or any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in value[key]):
            raise OptionError("account.%s must not be empty or contain control characters" % key)
    if any(letter in "<> " for letter in value["user"]):
        raise OptionError("account.user must not contain blanks or angle brackets")
    return {"user": value["user"], "password": value["password"]}


def default_helo():
    """This host's name where it is fully qualified, else None (then the address literal is used)."""
    name = socket.gethostname()
    fit = all(0x20 < ord(letter) < 0x7F and letter not in "<>" for letter in name)
    if "." not in name.strip(".") or name.lower().startswith("localhost") or not fit:
        return None
    return name


def check_options(given: dict) -> dict:
    """Options with their defaults filled in. Raises OptionError."""
    unknown = sorted(set(given or {}) - set(DEFAULTS))
    if unknown:
        raise OptionError("unknown option: %s" % ", ".join(unknown))
    options = dict(DEFAULTS)
    options.update((key, value) for key, value in (given or {}).items() if value is not None)
    _number(options, "timeout", 0.05, 60, float)
    _number(options, "deadline", 0.1, 600, float)
    _number(options, "per_host", 1, MAX_PER_HOST, int)
    options["helo"] = options["helo"] or default_helo()
    for key in ("helo", "sender", "recipient"):
        if options[key] is not None:
            _word(options, key)
    if options["account"] is not None:
        options["account"] = _account(options["account"])
    families = options["families"]
    if not isinstance(families, (list, tuple)) or not families or set(families) - {"ipv4", "ipv6"}:
        raise OptionError("families must be a list of ipv4, ipv6 or both")
    options["vantage"] = str(options["vantage"] or socket.gethostname())
    return options


def _service(name: str, service) -> tuple:
    if not isinstance(service, dict) or "protocol" not in service:
        raise OptionError("target %s: each service must be a dictionary with protocol and, optionally, port" % name)
    protocol = service["protocol"]
    if protocol not in PORTS:
        raise OptionError("target %s: unknown protocol %r, known are %s" % (name, protocol, ", ".join(sorted(PORTS))))
    port = service.get("port")
    if port is None:
        port = PORTS[protocol]
    try:
        port = int(port)
    except (TypeError, ValueError):
        raise OptionError("target %s: port must be a number, not %r" % (name, port)) from None
    if not 1 <= port <= 65535:
        raise OptionError("target %s: port must lie between 1 and 65535, not %d" % (name, port))
    return protocol, port


def check_targets(given) -> list:
    """Targets as [(name, address, [(protocol, port)])]. Raises OptionError."""
    if not isinstance(given, (list, tuple)):
        raise OptionError("targets must be a list")
    targets, seen = [], set()
    for target in given:
        if not isinstance(target, dict) or not isinstance(target.get("name"), str) or not target["name"]:
            raise OptionError("each target must be a dictionary with a name")
        name = target["name"]
        if name in seen:
            raise OptionError("target %s is there twice" % name)
        seen.add(name)
        # Without an address the name is one.
        address = target.get("address") or name
        if not isinstance(address, str) or len(address) > 255 or any(ord(letter) < 0x21 for letter in address):
            raise OptionError("target %s: address must be a name or an IP address" % name)
        services = target.get("services")
        if not isinstance(services, (list, tuple)):
            raise OptionError("target %s: services must be a list" % name)
        wanted = []
        for service in services:
            pair = _service(name, service)
            if pair not in wanted:
                wanted.append(pair)
        targets.append((name, address, wanted))
    return targets
