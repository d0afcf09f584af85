# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check what no ready-made linter knows: the agreements of this repository about its own source.

* every Python file names its copyright holders and licence in the first lines;
* ``__init__.py`` files under plugins/ are empty;
* plugins/modules and plugins/module_utils are Python 3.6, and module_utils import nothing but the standard library
  and each other, because the same files are also sent to a bare ``python3 -``;
* no file carries a note to finish it later, or a comment that silences a checker.

(Which functions of the standard library Python 3.6 lacks is checked by vermin.)
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import mirror

TARGET_SIDE = ("plugins/modules/", "plugins/module_utils/")
OURS = "ansible_collections.mailops.triage.plugins.module_utils"
LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
TEXTS = (".py", ".sh", ".yml", ".yaml", ".j2", ".toml", ".cfg")

# Written in pieces, so that this file passes its own check.
PIECES = (
    (r"\bTO", r"DO\b"),
    (r"\bFIX", r"ME\b"),
    (r"\bX", r"XX\b"),
    ("# no", "qa"),
    ("type: ig", "nore"),
    ("pragma: no", " cover"),
)
BANNED = re.compile("|".join(begin + end for begin, end in PIECES))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line number and full dotted name of everything a file imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def check_target_side(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield line and complaint for a file that runs on the mail hosts."""
    try:
        tree = ast.parse(text, filename=name, feature_version=(3, 6))
    except SyntaxError as error:
        yield error.lineno or 1, f"not Python 3.6: {error.msg}"
        return
    allowed = {"ansible.module_utils"} if name.startswith("plugins/modules/") else set()
    for line, module in imports(tree):
        top = module.split(".", 1)[0]
        if module == "__future__":
            yield line, "Python 3.6 knows no postponed annotations: no import from __future__"
        elif module.startswith("."):
            yield line, f"relative import: write {OURS}.… instead"
        elif top in ("ansible", "ansible_collections"):
            if module != OURS and not module.startswith((f"{OURS}.", *(f"{one}." for one in allowed))):
                yield line, f"{module} is not at hand on a mail host"
        elif top not in sys.stdlib_module_names:
            yield line, f"{module} is not in the standard library"


def check(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield line and complaint for one file, ``name`` being its path in the repository."""
    if name.endswith(".py"):
        if name.startswith("plugins/") and name.endswith("/__init__.py"):
            if text:
                yield 1, "__init__.py under plugins/ must be empty"
        elif text and LICENCE not in "\n".join(text.splitlines()[:6]):
            yield 1, f"the first lines lack '{LICENCE}'"
        if name.startswith(TARGET_SIDE):
            yield from check_target_side(name, text)
    for number, line in enumerate(text.splitlines(), 1):
        found = BANNED.search(line)
        if found:
            yield number, f"unfinished or silenced: {found.group(0)}"


def main(names: list[str]) -> int:
    """Print the complaints about the named files, or about all of the checkout; return the exit status."""
    count = 0
    for name in names or mirror.listed_files():
        path = Path(mirror.ROOT, name)
        if path.suffix not in TEXTS or path.is_symlink():
            continue
        for line, complaint in check(name, path.read_text(encoding="utf-8")):
            print(f"{name}:{line}: {complaint}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
