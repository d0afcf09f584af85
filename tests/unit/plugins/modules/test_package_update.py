# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of package_update says is what the module takes and answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.mailops.triage.plugins.module_utils._update import choice, outcome, work
from ansible_collections.mailops.triage.plugins.module_utils._update.backends import BACKENDS
from ansible_collections.mailops.triage.plugins.modules import package_update

DOCUMENTATION = yaml.safe_load(package_update.DOCUMENTATION)
ANSWER = yaml.safe_load(package_update.RETURN)


@pytest.mark.parametrize(
    ("option", "choices"),
    [("state", work.STATES), ("select", choice.SELECTS), ("backend", ("auto", *BACKENDS))],
)
def test_choices(option, choices):
    assert tuple(DOCUMENTATION["options"][option]["choices"]) == tuple(choices)


def test_the_answer():
    assert set(ANSWER) == set(outcome.empty("apt")) - {"changed"} | {"diff"}
    pending = set(ANSWER["pending"]["sample"][0])
    one = choice.Pending("a", "all", "1", "2", "x", True, False, None)
    answer = outcome.empty("apt")
    outcome.pending(answer, [one], set(), {"a": set()})
    assert pending == set(answer["pending"][0])
    assert set(ANSWER["room"]["sample"]) == set(outcome.empty("apt")["room"])


def test_every_code_is_documented():
    sources = Path(work.__file__).parent.glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    codes = set(re.findall(r'(?:Trouble|Refused)\("(\w+)"', text))
    codes |= set(re.findall(r'verdict\("(?:refused|failed|running|nothing)", "(\w+)"', text))
    codes |= set(re.findall(r'return "(\w+)", ', text)) | {"version_gone", "unmet"}
    documented = set(re.findall(r"V\((\w+)\)", " ".join(ANSWER["code"]["description"])))
    assert codes - documented == set() and {"no_room", "half_configured", "interrupted"} <= codes


@pytest.mark.parametrize("task", yaml.safe_load(package_update.EXAMPLES))
def test_examples_give_versions_as_text(task):
    assert choice.wrong(task["mailops.triage.package_update"].get("only") or {}) == ""


def test_differences():
    answer = outcome.empty("apt")
    answer["changed_packages"] = [{"package": "a", "from": "1", "to": "2"}, {"package": "new", "from": None, "to": "1"}]
    assert outcome.diff(dict(answer, state="done")) == {"before": "a 1\n", "after": "a 2\nnew 1\n"}
    planned = dict(answer, state="planned", pending=[{"package": "b", "installed": "1", "candidate": "3"}])
    assert outcome.diff(planned) == {"before": "b 1\n", "after": "b 3\n"}
