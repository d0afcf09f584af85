# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's C(mail_hardware): contract, spare, place, serial number and BMC of a host.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

Document = dict[str, t.Any]

TEXTS = ("contract", "spare", "location", "serial")
BMC_TYPES = ("redfish", "ipmi")
_BMC_KEYS = ("type", "address", "port", "user", "password", "verify", "ca", "system", "cipher")
_SECRET = ("user", "password")


class HardwareError(ValueError):
    """A C(mail_hardware) that cannot be understood."""


def public(value: t.Any) -> t.Any:
    """What of it may stand in a recording: all but the login of the BMC."""
    if not isinstance(value, dict) or not isinstance(value.get("bmc"), dict):
        return value
    return {**value, "bmc": {key: item for key, item in value["bmc"].items() if key not in _SECRET}}


def hardware(value: t.Any) -> Document:
    """Read it, for the rules.

    :param value: null or a mapping with C(contract), C(spare), C(location), C(serial) and C(bmc), all optional
    :returns: all keys; C(bmc) is null or holds C(type) and C(address)
    :raises HardwareError: saying what is wrong
    """
    found: Document = {**dict.fromkeys(TEXTS), "bmc": None}
    if value in (None, "", {}):
        return found
    if not isinstance(value, dict):
        raise HardwareError(f"mail_hardware must be a mapping, not '{clean(value, 60)}'")
    _known(value, (*TEXTS, "bmc"), "mail_hardware")
    for key in TEXTS:
        given = value.get(key)
        if isinstance(given, (dict, list)):
            raise HardwareError(f"mail_hardware.{key} must be a text")
        found[key] = clean(given, 200) if given not in (None, "") else None
    if value.get("bmc") is not None:
        checked = bmc(value["bmc"])
        found["bmc"] = {"type": checked["type"], "address": checked["address"]}
    return found


def bmc(value: t.Any) -> Document:
    """Read the BMC's part.

    :returns: C(type), C(address), C(port), C(user), C(password), C(verify), C(ca), C(system), C(cipher)
    :raises HardwareError: saying what is wrong
    """
    if not isinstance(value, dict):
        raise HardwareError("mail_hardware.bmc must be a mapping with type and address")
    _known(value, _BMC_KEYS, "mail_hardware.bmc")
    if value.get("type") not in BMC_TYPES:
        raise HardwareError(
            f"mail_hardware.bmc.type must be one of {', '.join(BMC_TYPES)}, not '{clean(value.get('type'), 40)}'"
        )
    if not isinstance(value.get("address"), str) or not value["address"]:
        raise HardwareError("mail_hardware.bmc.address must be the name or address of the BMC")
    port = value.get("port")
    if port is not None and not str(port).isdigit():
        raise HardwareError(f"mail_hardware.bmc.port must be a number, not '{clean(port, 40)}'")
    cipher = value.get("cipher")
    if cipher is not None and not str(cipher).isdigit():
        raise HardwareError(f"mail_hardware.bmc.cipher must be a number, not '{clean(cipher, 40)}'")
    return {
        "type": value["type"],
        "address": value["address"],
        "port": int(port) if port is not None else {"redfish": 443, "ipmi": 623}[value["type"]],
        "user": value.get("user"),
        "password": value.get("password"),
        "verify": value.get("verify", True),
        "ca": value.get("ca"),
        "system": value.get("system"),
        "cipher": int(cipher) if cipher is not None else None,
    }


def _known(value: Document, keys: tuple[str, ...], where: str) -> None:
    unknown = sorted(str(key) for key in value if key not in keys)
    if unknown:
        raise HardwareError(f"{where} has the unknown key '{clean(unknown[0], 60)}'; there are: {', '.join(keys)}")
