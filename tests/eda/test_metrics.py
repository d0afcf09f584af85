# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file for Prometheus, read by Prometheus' own parsers: of the text format, and of OpenMetrics."""

from __future__ import annotations

import json
import subprocess

import pytest
import rulebook

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import openmetrics
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

_READ = """
import importlib, json, sys
parser = importlib.import_module(sys.argv[1])
families = list(parser.text_string_to_metric_families(sys.stdin.read()))
samples = [(s.name, sorted(s.labels.items()), s.value) for f in families for s in f.samples]
print(json.dumps({"types": sorted({f.type for f in families}), "samples": samples}))
"""


@pytest.mark.parametrize("parser", ["prometheus_client.parser", "prometheus_client.openmetrics.parser"])
@pytest.mark.parametrize("name", [*samples.RECORDED, "quotes"])
def test_the_file_is_read_as_it_was_meant(parser: str, name: str) -> None:
    report = samples.load("fleet" if name == "quotes" else name)
    if name == "quotes":
        report["hosts"] = {'a"b\\c\\n{}': report["hosts"]["mail4"]}
    text = openmetrics.render(report)
    done = subprocess.run(
        [str(rulebook.VENV / "bin" / "python"), "-c", _READ, parser],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=rulebook.PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["types"] == ["gauge"]
    assert len(found["samples"]) == sum(not line.startswith("#") for line in text.splitlines())
    hosts = {dict(labels)["host"] for name, labels, value in found["samples"] if name == "mailops_triage_host_verdict"}
    assert len(hosts) == len(report["hosts"])
    if name == "quotes":
        assert hosts == {'a"b\\c\\n{}'}
