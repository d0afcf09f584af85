# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own module_utils as one script for C(python3 -), and what it prints back.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

An ordinary module call unpacks a zip, compiles ansible.module_utils and costs the host twice the CPU. The
collectors need nothing of that: their sources travel as text, are imported from memory and leave nothing behind.
"""

from __future__ import annotations

import base64
import json
import typing as t
import zlib
from pathlib import Path

_PACKAGE = "ansible_collections.mailops.triage.plugins.module_utils"
_SOURCES = Path(__file__).resolve().parents[1] / "module_utils"
_BEGIN, _END = "<<<mailops.triage ", " mailops.triage>>>"

# importlib.abc would be the textbook way; loading it takes the host longer than loading any of ours.
_SCRIPT = """\
import base64, json, sys, zlib
from importlib.machinery import ModuleSpec
SOURCES = json.loads(zlib.decompress(base64.b64decode({sources!r})).decode())
class Memory(object):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in SOURCES:
            return ModuleSpec(name, cls, is_package=SOURCES[name][0])
    @staticmethod
    def create_module(spec):
        return None
    @staticmethod
    def exec_module(module):
        name = module.__name__
        exec(compile(SOURCES[name][1], "<" + name + ">", "exec", 0, True), module.__dict__)
sys.meta_path.insert(0, Memory)
sys.dont_write_bytecode = True
from {package}._apart import apart
from {module} import {function} as call
answer = apart(call, json.loads(base64.b64decode({arguments!r}).decode()))
sys.stdout.write("\\n" + {begin!r} + answer + {end!r} + "\\n")
"""


class BundleError(ValueError):
    """The other side did not answer with a document; the message says what it said instead."""


def _pack() -> str:
    """All of module_utils, as text that survives a shell."""
    sources: dict[str, tuple[bool, str]] = {}
    parts = _PACKAGE.split(".")
    for count in range(1, len(parts) + 1):
        sources[".".join(parts[:count])] = (True, "")
    for path in _SOURCES.rglob("*.py"):
        inner = path.relative_to(_SOURCES)
        package = inner.name == "__init__.py"
        place = inner.parent if package else inner.with_suffix("")
        sources[".".join([_PACKAGE, *place.parts])] = (package, path.read_text(encoding="utf-8"))
    return base64.b64encode(zlib.compress(json.dumps(sources, sort_keys=True).encode())).decode()


# Ansible loads action plugins before it forks: packed here, it is done once and not in the worker of every host.
_PACKED = _pack()


def script(module: str, function: str, *arguments: t.Any) -> bytes:
    """Make the script.

    :param module: module_utils module, relative, such as C(_collect)
    :param function: name of the function in it; its answer must be JSON
    :param arguments: JSON values
    """
    return _SCRIPT.format(
        sources=_PACKED,
        package=_PACKAGE,
        module=f"{_PACKAGE}.{module}",
        function=function,
        arguments=base64.b64encode(json.dumps(arguments).encode()).decode(),
        begin=_BEGIN,
        end=_END,
    ).encode()


def answer(output: bytes | str) -> t.Any:
    """Find the document in what came back; a login banner or a sudo lecture may stand around it.

    :raises BundleError: when there is none
    """
    text = output.decode("utf-8", "replace") if isinstance(output, bytes) else output
    begin = text.find(_BEGIN)
    end = text.rfind(_END)
    if begin < 0 or end < begin:
        raise BundleError("no document came back")
    try:
        return json.loads(text[begin + len(_BEGIN) : end])
    except json.JSONDecodeError as exc:
        raise BundleError(f"the document that came back is damaged: {exc.msg}") from exc


# The first Python 3 that the host has; "-I -S" leaves out the user's and the site's packages.
COMMAND = (
    "for p in {preferred} python3 /usr/bin/python3 /usr/libexec/platform-python /usr/local/bin/python3; do "
    'if command -v "$p" >/dev/null 2>&1; then exec "$p" -I -S -; fi; done; echo "no Python 3 here" >&2; exit 127'
)


def command(preferred: str = "") -> str:
    """Shell command that runs a script given on its standard input.

    :param preferred: the inventory's C(ansible_python_interpreter), shell-quoted, or nothing
    """
    return COMMAND.format(preferred=preferred)
