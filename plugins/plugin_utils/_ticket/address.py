# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the ticket system is and who we are to it, checked before the first request.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import dataclasses
import os
import typing as t
from urllib.parse import urlsplit

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.hide import Hide


class AddressError(ValueError):
    """An option that no request can be made with; the message names the option and never shows a secret."""


@dataclasses.dataclass(frozen=True)
class Address:
    """A ticket system and a login.

    :ivar url: without a slash at its end
    :ivar origin: scheme, host and port of it
    :ivar headers: further headers of the site, whose values are secrets
    :ivar ca_path: certificates to trust beside those of the system, or None
    :ivar timeout: seconds that one request may take
    """

    url: str
    origin: str
    token: str = dataclasses.field(repr=False)
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    ca_path: str | None = None
    timeout: float = 15.0

    @property
    def plain(self) -> bool:
        """Would the login go over a network unencrypted?"""
        return self.origin.startswith("http:") and urlsplit(self.url).hostname not in ("localhost", "127.0.0.1", "::1")

    def hide(self) -> Hide:
        """What keeps the secrets of this login out of texts."""
        hide = Hide([self.token, *self.headers.values()])
        hide.add_login(self.user, self.password)
        hide.add_login(self.user, self.token)
        return hide

    def authorization(self, ways: t.Iterable[str]) -> dict[str, str]:
        """The headers that log us in, by the first way that there is something for.

        :param ways: the C(auth) of an answer
        :raises AddressError: when the system wants a login and there is none
        """
        wanted = []
        for way in ways:
            kind, dummy, rest = way.partition(":")
            if kind == "none":
                return {}
            if kind == "bearer" and self.token:
                return {"Authorization": f"Bearer {self.token}"}
            if kind == "header" and self.token:
                name, dummy, text = rest.partition(":")
                return {name: text.replace("{token}", self.token) if text else self.token}
            if kind == "basic" and self.user and (self.password or self.token):
                login = f"{self.user}:{self.password or self.token}".encode()
                return {"Authorization": f"Basic {base64.b64encode(login).decode('ascii')}"}
            wanted.append("ticket_user and ticket_password" if kind == "basic" else "ticket_token")
        raise AddressError(f"the ticket system wants a login: set {' or '.join(dict.fromkeys(wanted))}")


def address(
    url: str,
    *,
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
    headers: t.Mapping[str, t.Any] | None = None,
    ca_path: str | None = None,
    timeout: float = 15.0,
) -> Address:
    """Check where to send answers.

    :raises AddressError: naming the option
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise AddressError("ticket_url is no address: its port is no number") from exc
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise AddressError("ticket_url must be an address such as https://tickets.example.com")
    if "@" in parts.netloc:
        raise AddressError("ticket_url must hold no login: use ticket_token, or ticket_user and ticket_password")
    if parts.query or parts.fragment:
        raise AddressError("ticket_url must end before any '?' or '#'")
    if ca_path and not os.path.exists(ca_path):
        raise AddressError(f"ticket_ca_path: {ca_path} does not exist")
    if timeout <= 0:
        raise AddressError("ticket_timeout must be more than 0 seconds")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(
        url=url,
        origin=f"{parts.scheme}://{host}" + (f":{port}" if port else ""),
        token=_secret("ticket_token", token),
        user=_secret("ticket_user", user),
        password=_secret("ticket_password", password),
        headers={name: _secret(f"ticket_headers.{name}", value) for name, value in (headers or {}).items()},
        ca_path=ca_path or None,
        timeout=timeout,
    )


def _secret(option: str, value: t.Any) -> str:
    """A secret as it can be sent; one read from a file or an environment may end in a line break."""
    text = "" if value is None else str(value).strip()
    if not text.isprintable():
        raise AddressError(f"{option} has characters that cannot be sent (it is not shown here)")
    if option not in ("ticket_user", "ticket_password") and not text.isascii():
        raise AddressError(f"{option} has characters beyond ASCII, which no header can hold (it is not shown here)")
    return text
