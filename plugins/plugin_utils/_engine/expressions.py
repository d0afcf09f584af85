# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath for rules: compiled once, checked against the schema of the facts, never raising while it judges.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

JMESPath itself raises on C(length(null)) or C(contains(null, 'x')). For a rule that is "the fact is not known",
so L(Expression.search) answers L(UNKNOWN) then, and the engine reports the rule as not judged.
"""

from __future__ import annotations

import functools
import re
import sys
import typing as t

try:
    import jmespath
    import jmespath.exceptions
    import jmespath.functions
except ImportError:
    HAVE_JMESPATH = False
else:
    HAVE_JMESPATH = True

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.units import duration

Schema: t.TypeAlias = "dict[str, t.Any] | None"


class ExpressionError(ValueError):
    """An expression that cannot be compiled, or that names a fact which no collector delivers."""


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN = _Unknown()


@functools.lru_cache(maxsize=1)
def _options() -> t.Any:
    """JMESPath with what rules need beyond its own functions: it has neither patterns nor arithmetic."""

    class Functions(jmespath.functions.Functions):
        @jmespath.functions.signature({"types": ["string", "null"]}, {"types": ["string"]})
        def _func_matches(self, text: str | None, pattern: str) -> bool:
            """matches(text, 'regular expression'): true when the pattern is found in the text."""
            return bool(text and _pattern(pattern).search(text))

        @jmespath.functions.signature({"types": ["number"]}, {"types": ["number"]})
        def _func_minus(self, left: float, right: float) -> float:
            """minus(a, b): a - b."""
            return left - right

        @jmespath.functions.signature({"types": ["number"]})
        def _func_duration(self, seconds: float) -> str:
            """duration(seconds): as a person says it, such as 3 h."""
            return duration(seconds)

    return jmespath.Options(custom_functions=Functions())


@functools.lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Expression:
    """One compiled expression.

    :param text: JMESPath
    :param schema: JSON Schema of the document it will search, or None for "do not check paths"
    :raises ExpressionError: not JMESPath, unknown function, or a path that the schema does not have
    """

    def __init__(self, text: str, schema: Schema = None) -> None:
        self.text = text
        if not HAVE_JMESPATH:
            raise ExpressionError(
                f"the Python of this controller lacks jmespath: {sys.executable} -m pip install jmespath"
            )
        try:
            self._compiled = jmespath.compile(text)
        except (jmespath.exceptions.JMESPathError, ValueError) as exc:
            raise ExpressionError(f"'{text}' is not JMESPath: {str(exc).splitlines()[0]}") from exc
        walker = _Walker(text, schema)
        walker.walk(self._compiled.parsed, schema)
        self.roots: frozenset[str] = frozenset(walker.roots)
        """First components of the paths it reads: the facts without which it cannot be judged."""
        self.selects: Schema = walker.result
        """Schema of what it finds, as far as it is known."""

    def search(self, document: t.Any) -> t.Any:
        """Find the value, or UNKNOWN where a function met a null it cannot take."""
        try:
            return self._compiled.search(document, options=_options())
        except jmespath.exceptions.JMESPathTypeError:
            return UNKNOWN


class _Walker:
    """Follows an expression through the schema, as an evaluation would follow it through a document."""

    def __init__(self, text: str, schema: Schema) -> None:
        self.text = text
        self.schema = schema
        self.roots: set[str] = set()
        self.result: Schema = None

    def walk(self, node: t.Any, schema: Schema) -> Schema:
        self.result = getattr(self, f"_{node['type']}", self._children)(node, schema)
        return self.result

    def _children(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        for child in node["children"]:
            self.walk(child, schema)
        return None

    def _field(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        name = node["value"]
        if schema is self.schema:
            self.roots.add(name)
        if schema is None:
            return None
        properties = schema.get("properties")
        if properties is None:
            extra = schema.get("additionalProperties")
            return extra if isinstance(extra, dict) else None
        if name in properties:
            return plain(properties[name])
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            return plain(extra)
        known = ", ".join(sorted(properties))
        raise ExpressionError(f"'{self.text}' names the fact '{name}', which does not exist; there are: {known}")

    def _subexpression(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        if node["children"][0]["type"] == "not_expression":
            # JMESPath reads "!a.b" as "(!a).b", which is null and nobody's intention.
            raise ExpressionError(f"'{self.text}': '!' binds tighter than '.'; write a.b == `false`")
        for child in node["children"]:
            schema = self.walk(child, schema)
        return schema

    _index_expression = _subexpression
    _pipe = _subexpression

    def _index(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        return _items(schema)

    def _slice(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        return schema

    def _identity(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        return schema

    _current = _identity

    def _literal(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        return None

    def _flatten(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        return self.walk(node["children"][0], schema)

    def _projection(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        left = self.walk(node["children"][0], schema)
        return {"type": "array", "items": self.walk(node["children"][1], _items(left))}

    def _value_projection(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        left = self.walk(node["children"][0], schema) or {}
        values = left.get("additionalProperties")
        inner = plain(values) if isinstance(values, dict) else None
        return {"type": "array", "items": self.walk(node["children"][1], inner)}

    def _filter_projection(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        left, right, condition = node["children"]
        items = _items(self.walk(left, schema))
        self.walk(condition, items)
        return {"type": "array", "items": self.walk(right, items)}

    def _or_expression(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        found = [self.walk(child, schema) for child in node["children"]]
        return found[0]

    def _function_expression(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        if not hasattr(_options().custom_functions, f"_func_{node['value']}"):
            raise ExpressionError(f"'{self.text}' calls the function '{node['value']}', which does not exist")
        for child in node["children"]:
            self.walk(child, schema)
        return None

    def _expref(self, node: dict[str, t.Any], schema: Schema) -> Schema:
        # Its argument is an element of a list that only the evaluation knows.
        return None


def plain(schema: dict[str, t.Any]) -> dict[str, t.Any]:
    """Strip the "or null" from a schema: null means "not known", and searching through it finds null."""
    for key in ("anyOf", "oneOf"):
        choices: list[dict[str, t.Any]] = schema.get(key, [])
        for choice in choices:
            if choice.get("type") != "null":
                return choice
    return schema


def _items(schema: Schema) -> Schema:
    if schema is None:
        return None
    items = schema.get("items")
    return plain(items) if isinstance(items, dict) else None
