# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit is meant by a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import unit


class Answers:
    """systemd, as far as a table knows."""

    def __init__(self, **blocks: dict[str, str]) -> None:
        self.blocks = {name.replace("_AT", "@-") + ".service": block for name, block in blocks.items()}

    def show(self, names: list[str]) -> dict[str, dict[str, str]]:
        return {name: self.blocks.get(name, {"LoadState": "not-found", "ActiveState": "inactive"}) for name in names}


LOADED = {"LoadState": "loaded", "ActiveState": "active", "Type": "forking"}
WRAPPER = {"LoadState": "loaded", "ActiveState": "active", "Type": "oneshot", "UnitFileState": "enabled"}


@pytest.mark.parametrize("name", ["postfix", "postfix.service", "postfix@-.service"])
def test_debian_12_has_a_wrapper_that_runs_nothing(name: str) -> None:
    found = unit.find(Answers(postfix=WRAPPER, postfix_AT=LOADED), name)
    assert (found.name, found.product, found.masked, found.disabled) == ("postfix@-.service", "postfix", "", False)


def test_the_operator_s_word_stands_at_the_wrapper() -> None:
    masked = unit.find(Answers(postfix={"LoadState": "masked"}, postfix_AT=LOADED), "postfix@-.service")
    assert masked.masked == "postfix.service"
    disabled = unit.find(Answers(postfix=dict(WRAPPER, UnitFileState="disabled"), postfix_AT=LOADED), "postfix")
    assert disabled.disabled


@pytest.mark.parametrize("name", ["postfix", "postfix@-.service"])
def test_debian_13_and_others_have_one_unit(name: str) -> None:
    assert unit.find(Answers(postfix=LOADED), name).name == "postfix.service"


def test_products_have_units_of_other_names() -> None:
    assert unit.find(Answers(**{"clamav-daemon": LOADED}), "clamav").name == "clamav-daemon.service"
    assert unit.find(Answers(valkey=LOADED), "redis").name == "valkey.service"
    assert unit.find(Answers(named=LOADED), "named").product == "named"
    other = unit.find(Answers(ourfilter=LOADED), "ourfilter")
    assert (other.name, other.product) == ("ourfilter.service", "")


@pytest.mark.parametrize(
    ("asked", "name", "product"),
    [
        ("mysql.service", "mariadb.service", "mariadb"),
        ("bind9.service", "named.service", "named"),
        ("redis", "valkey.service", "redis"),
        ("mysql.service", "ourdb.service", "mariadb"),
    ],
)
def test_an_alias_is_the_unit_behind_it(asked: str, name: str, product: str) -> None:
    """Processes are found by the name of their control group, and that is never an alias."""
    alias = asked.partition(".")[0]
    found = unit.find(Answers(**{alias: {**LOADED, "Id": name}}), asked)
    assert (found.name, found.product) == (name, product)


def test_an_alias_of_what_is_not_ours() -> None:
    with pytest.raises(unit.UnitError, match="no mail service") as error:
        unit.find(Answers(remote={**LOADED, "Id": "ssh.service"}), "remote")
    assert error.value.code == "not_ours"


def test_a_systemctl_that_does_not_answer(tmp_path: Path) -> None:
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(unit.UnitError, match="Failed to connect to bus") as error:
        unit.Systemd(str(program)).show(["dovecot.service"])
    assert error.value.code == "no_systemd"
    assert unit.Systemd(str(program)).tell("start", "dovecot.service") == "Failed to connect to bus"
