# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe wants to know of an X.509 certificate, read from its DER form (RFC 5280).

The Python ssl module decodes only certificates it has verified, and a probe reads those nobody should trust.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import hashlib
import socket

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# A certificate with more names than this is a farm's; the first ones say whose.
MAX_NAMES = 100

_ATTRIBUTES = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O"}
_SUBJECT_KEY_ID = b"\x55\x1d\x0e"
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"
_AUTHORITY_KEY_ID = b"\x55\x1d\x23"
# String tags whose contents are not UTF-8: T61String, UniversalString, BMPString.
_ENCODINGS = {0x14: "latin-1", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}


class DerError(ValueError):
    """The bytes are not a certificate."""


def _element(data: bytes, at: int, end: int) -> tuple:
    """Read one tag-length-value: (tag, start of the value, end of the value)."""
    if at + 2 > end:
        raise DerError("cut off")
    tag, length = data[at], data[at + 1]
    at += 2
    if tag & 0x1F == 0x1F:
        raise DerError("tag of several bytes")
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or at + count > end:
            raise DerError("bad length")
        length = int.from_bytes(data[at : at + count], "big")
        at += count
    if at + length > end:
        raise DerError("cut off")
    return tag, at, at + length


def _children(data: bytes, at: int, end: int) -> list:
    """The elements between two offsets, in order."""
    found = []
    while at < end:
        item = _element(data, at, end)
        found.append(item)
        at = item[2]
    return found


def _time(data: bytes, item: tuple) -> int:
    """UTCTime or GeneralizedTime as epoch seconds."""
    text = data[item[1] : item[2]].decode("ascii", "replace").rstrip("Z")
    if item[0] == 0x17:
        # RFC 5280: two digits below 50 mean 20xx.
        text = ("20" if text[:2] < "50" else "19") + text
    digits = text[:14]
    if len(digits) == 12:
        digits += "00"
    if len(digits) != 14 or not digits.isdigit():
        raise DerError("bad time")
    parts = (int(digits[:4]),) + tuple(int(digits[i : i + 2]) for i in range(4, 14, 2))
    if not (1 <= parts[1] <= 12 and 1 <= parts[2] <= 31 and parts[3] < 24 and parts[4] < 60 and parts[5] <= 60):
        raise DerError("bad time")
    return calendar.timegm(parts + (0, 0, 0))


def _name(data: bytes, item: tuple) -> str:
    """The common name and organisation of a distinguished name, as "CN=..., O=..."."""
    found = {}
    for rdn in _children(data, item[1], item[2]):
        for pair in _children(data, rdn[1], rdn[2]):
            fields = _children(data, pair[1], pair[2])
            if len(fields) < 2:
                continue
            label = _ATTRIBUTES.get(data[fields[0][1] : fields[0][2]])
            if label and label not in found:
                tag, start, end = fields[1]
                found[label] = clean(data[start:end].decode(_ENCODINGS.get(tag, "utf-8"), "replace"), 120)
    return ", ".join("%s=%s" % (label, found[label]) for label in ("CN", "O") if label in found)


def _alternative_names(data: bytes, start: int, end: int) -> list:
    """DNS names and IP addresses of a subjectAltName value."""
    names = []
    outer = _element(data, start, end)
    for tag, at, to in _children(data, outer[1], outer[2])[:MAX_NAMES]:
        if tag == 0x82:
            names.append(clean(data[at:to], 255))
        elif tag == 0x87 and to - at == 4:
            names.append(socket.inet_ntop(socket.AF_INET, data[at:to]))
        elif tag == 0x87 and to - at == 16:
            names.append(socket.inet_ntop(socket.AF_INET6, data[at:to]))
    return names


def _extensions(data: bytes, wrapper: tuple) -> dict:
    """Extension values as {oid bytes: (start, end)}."""
    found = {}
    sequence = _element(data, wrapper[1], wrapper[2])
    for extension in _children(data, sequence[1], sequence[2]):
        fields = _children(data, extension[1], extension[2])
        if len(fields) >= 2 and fields[-1][0] == 0x04:
            found[data[fields[0][1] : fields[0][2]]] = fields[-1][1:]
    return found


def _same_key(data: bytes, extensions: dict) -> bool:
    """False when the key identifiers say that another key signed."""
    if _SUBJECT_KEY_ID not in extensions or _AUTHORITY_KEY_ID not in extensions:
        return True
    own = _element(data, *extensions[_SUBJECT_KEY_ID])
    outer = _element(data, *extensions[_AUTHORITY_KEY_ID])
    for tag, start, end in _children(data, outer[1], outer[2]):
        if tag == 0x80:
            return data[start:end] == data[own[1] : own[2]]
    return True


def certificate(data: bytes) -> dict:
    """Describe a certificate.

    :param data: the certificate in DER
    :returns: not_before, not_after (epoch seconds), subject, issuer ("CN=..., O=..."), names (DNS names and addresses
        of subjectAltName), serial (hex), sha256 (hex, of the whole certificate), self_signed (issuer equals subject and
        no key identifier contradicts; the signature itself is not checked)
    :raises DerError: the bytes are not a certificate
    """
    try:
        outer = _element(data, 0, len(data))
        body = _element(data, outer[1], outer[2])
        fields = _children(data, body[1], body[2])
        if fields and fields[0][0] == 0xA0:
            fields = fields[1:]
        if outer[0] != 0x30 or body[0] != 0x30 or len(fields) < 6 or fields[0][0] != 0x02:
            raise DerError("not a certificate")
        serial, issuer, validity, subject = fields[0], fields[2], fields[3], fields[4]
        times = _children(data, validity[1], validity[2])
        if len(times) != 2:
            raise DerError("bad validity")
        extensions = {}
        for field in fields[6:]:
            if field[0] == 0xA3:
                extensions = _extensions(data, field)
        names = []
        if _SUBJECT_ALT_NAME in extensions:
            names = _alternative_names(data, *extensions[_SUBJECT_ALT_NAME])
        return {
            "not_before": _time(data, times[0]),
            "not_after": _time(data, times[1]),
            "subject": _name(data, subject),
            "issuer": _name(data, issuer),
            "names": names,
            "serial": "%x" % int.from_bytes(data[serial[1] : serial[2]][:64], "big"),
            "sha256": hashlib.sha256(data).hexdigest(),
            "self_signed": data[issuer[1] : issuer[2]] == data[subject[1] : subject[2]] and _same_key(data, extensions),
        }
    except (IndexError, OverflowError) as error:
        raise DerError(str(error)) from None
