# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posting a message to webhooks: retried, and never at the cost of the run.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The address of a webhook is its password, so no message of ours repeats one.
"""

from __future__ import annotations

import http.client
import json
import time
import typing as t
import urllib.error
import urllib.parse
from collections.abc import Mapping, Sequence

from ansible.module_utils.urls import open_url

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _words, chat

OPTION: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "url": {"type": "str", "required": True, "no_log": True},
        "kind": {"type": "str", "choices": list(chat.KINDS), "default": "json"},
        "token": {"type": "str", "no_log": True},
        "verdicts": {
            "type": "list",
            "elements": "str",
            "choices": list(_words.VERDICTS),
            "default": ["down", "degraded", "unknown"],
        },
    },
}
"""Specification of who is told, for the argument specs of action plugins."""

_LATER = (408, 425, 429)
"""Refusals that pass, beside all of 500 and more."""


class NotifyError(ValueError):
    """An entry that cannot be used; the message names it by its number."""


class Failure(t.NamedTuple):
    """Who was not told, and why."""

    name: str
    why: str


def check(to: Sequence[Mapping[str, t.Any]]) -> None:
    """See that every address is one.

    :raises NotifyError: naming the entry
    """
    for number, one in enumerate(to, 1):
        try:
            parts = urllib.parse.urlsplit(one["url"])
            good = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            good = False
        if not good:
            raise NotifyError(
                f"triage_notify: the url of entry {number} must begin with https:// or http:// and a host"
            )


def tell(
    to: Sequence[Mapping[str, t.Any]], told: chat.Message, timeout: float, retries: int, delay: float
) -> tuple[list[str], list[Failure]]:
    """Post a message to everybody who wants to hear of its verdict.

    :param timeout: seconds that an attempt may take
    :param retries: attempts after the first one
    :param delay: seconds between attempts
    :returns: names of those who were told, and of those who were not
    """
    good: list[str] = []
    bad: list[Failure] = []
    for number, one in enumerate(to, 1):
        if told.verdict not in one["verdicts"]:
            continue
        name = f"{one['kind']} (entry {number})"
        why = _stubborn(chat.request(one["kind"], one["url"], told), one["token"], timeout, retries, delay)
        if why:
            bad.append(Failure(name, why))
        else:
            good.append(name)
    return good, bad


def _stubborn(request: chat.Request, token: str | None, timeout: float, retries: int, delay: float) -> str:
    """Post until it is taken; an empty text then, else why it was not."""
    why = ""
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(delay)
        why, again = _post(request, token, timeout)
        if not why or not again:
            break
    return why


def _post(request: chat.Request, token: str | None, timeout: float) -> tuple[str, bool]:
    """Post once: why it failed, and whether another attempt may do better."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    body = json.dumps(request.body).encode()
    try:
        open_url(
            request.url, data=body, headers=headers, method="POST", timeout=timeout, follow_redirects="none"
        ).close()
    except urllib.error.HTTPError as exc:
        exc.close()
        return f"it answered {exc.code}", exc.code >= 500 or exc.code in _LATER
    except TimeoutError:
        return f"it did not answer within {timeout:g} s", True
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = getattr(exc, "reason", exc)
        if isinstance(reason, TimeoutError):
            return f"it did not answer within {timeout:g} s", True
        return f"it could not be reached: {getattr(reason, 'strerror', None) or type(reason).__name__}", True
    return "", False
