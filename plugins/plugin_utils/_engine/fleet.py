# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document that fleet rules search: which vantage point reaches which hosts.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]


def build(documents: dict[str, Document], now: float) -> Document:
    """Turn the host documents round: by vantage point and by site."""
    hosts = []
    for name, document in documents.items():
        reach = document["reach"]
        hosts.append(
            {
                "name": name,
                "site": document["inventory"]["site"],
                "silent": reach["silent"],
                "cut": reach["cut"],
                "answers": bool(reach["answering_from"]) or document["reach"]["login"] == "ok",
                "answering_from": reach["answering_from"],
                "cut_from": reach["cut_from"],
            }
        )
    return {"run": {"now": now}, "hosts": hosts, "vantages": _vantages(hosts), "sites": _sites(hosts)}


def siblings(documents: dict[str, Document]) -> None:
    """Tell each host how many of the others answer: whether it alone is silent."""
    answering = {name for name, document in documents.items() if document["reach"]["answering_from"]}
    for name, document in documents.items():
        document["reach"]["siblings"] = len(documents) - 1
        document["reach"]["siblings_answering"] = len(answering - {name})


def _vantages(hosts: list[Document]) -> list[Document]:
    names = sorted({name for host in hosts for name in (*host["answering_from"], *host["cut_from"])})
    found = []
    for name in names:
        cut = [host["name"] for host in hosts if name in host["cut_from"]]
        only = [host["name"] for host in hosts if name in host["cut_from"] and host["answers"]]
        answering = [host["name"] for host in hosts if name in host["answering_from"]]
        found.append(
            {
                "name": name,
                "kind": "controller" if name == "controller" else "client",
                "tried": len(cut) + len(answering),
                "cut": len(cut),
                "cut_hosts": cut,
                "answering": len(answering),
                "only_from_here": only,
            }
        )
    return found


def _sites(hosts: list[Document]) -> list[Document]:
    found = []
    for site in sorted({host["site"] for host in hosts if host["site"]}):
        members = [host for host in hosts if host["site"] == site]
        silent = [host["name"] for host in members if host["silent"]]
        others = [host["name"] for host in hosts if host["site"] != site and host["answering_from"]]
        found.append(
            {
                "name": site,
                "hosts": len(members),
                "silent": len(silent),
                "silent_hosts": silent,
                "others_answering": len(others),
            }
        )
    return found
