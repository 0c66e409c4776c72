"""The reference for plugin authors as Markdown, made from the code: hooks, records, interfaces, suites."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import lsncli
from lsncli import hookspecs
from lsncli.components import ComponentInfo

HEAD = """\
# Plugin reference

Made from the code by `lsn plugins reference > docs/plugins-reference.md`; [plugins.md](plugins.md) is the guide.
"""

HOOKS = """\
## Hooks

A plugin is a module, named by an entry point of group `lsn`, that implements any of these with
`@lsncli.hookimpl`. A misspelt hook is an error of the plugin. An implementation may leave out arguments that it
does not need.
"""

RECORDS = """\
## Records

What the registering hooks take. All fields are given by keyword; records cannot be changed afterwards. Every record
has these fields; those that it has beside them, or with another default, are told with it.
"""

TOLD = """\
## What components are told
"""

INTERFACES = """\
## Interfaces

What builders return. Nothing needs to be inherited from but `Backend`.
"""

INSIDE = """\
## Executors and report formats

What their builders return, and what that deals with. None of it is exported by `lsncli`, and it may change with any
version: a plugin that has one depends on the very version of lsn that it was written for.
"""

SUITES = """\
## Conformance suites

`from lsncli.testing import …`; a check may be named in `exempt`, with the reason.
"""


def reference() -> str:
    """The whole page."""
    public = {name: getattr(lsncli, name) for name in lsncli.__all__ if not name.startswith("_")}
    records = {name: value for name, value in public.items() if name.endswith("Info")}
    interfaces = {name: value for name, value in public.items() if _is_interface(value)}
    rest = {name: value for name, value in public.items() if name not in records | interfaces}
    told = {name: value for name, value in rest.items() if isinstance(value, type)}
    parts = [HEAD, HOOKS, *(_hook(name, hook) for name, hook in hooks().items())]
    parts += [RECORDS, _class("ComponentInfo", ComponentInfo)]
    parts += [_class(name, value, beside=ComponentInfo) for name, value in records.items()]
    parts += [TOLD, *(_class(name, value) for name, value in told.items())]
    parts += [INTERFACES, *(_class(name, value) for name, value in interfaces.items())]
    parts += [INSIDE, *(_class(name, value) for name, value in _inside().items())]
    parts += [SUITES, *_suites()]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def hooks() -> dict[str, Callable[..., Any]]:
    """Every hook by name, in the order of the specification."""
    return {name: value for name, value in vars(hookspecs).items() if name.startswith("lsn_")}


def signature(function: Callable[..., Any]) -> str:
    """The exact signature as text; annotations are kept as text, which ``inspect`` shows in quotes."""
    return str(inspect.signature(function)).replace("'", "")


def _inside() -> dict[str, type]:
    from lsncli.executors.interface import Control, Executor
    from lsncli.report.table import Cell, Footnote, Heading, Published, Table

    inside: tuple[type, ...] = (Executor, Control, Table, Heading, Cell, Footnote, Published)
    return {f"{value.__module__}.{value.__name__}": value for value in inside}


def _hook(name: str, hook: Callable[..., Any]) -> str:
    return f"### `{name}{signature(hook)}`\n\n{markdown(hook.__doc__)}"


def _is_interface(value: Any) -> bool:
    return isinstance(value, type) and (getattr(value, "_is_protocol", False) or inspect.isabstract(value))


def _class(name: str, value: type, beside: type | None = None) -> str:
    """A class: what it is, its fields (those that ``beside`` does not have as well) or attributes, its methods."""
    fields = {f.name: f for f in dataclasses.fields(value) if f.init} if dataclasses.is_dataclass(value) else {}
    fields = {field: about for field, about in fields.items() if not field.startswith("_")}
    attributes = {} if dataclasses.is_dataclass(value) else _attributes(value)
    text = f"### `{name}`\n\n{markdown(value.__doc__, frozenset(fields) | frozenset(attributes))}"
    known = {f.name: _default(f) for f in dataclasses.fields(beside)} if beside else {}
    rows = [
        f"| `{field.name}` | `{_cell(str(field.type))}` | {_default(field)} |"
        for field in fields.values()
        if known.get(field.name) != _default(field)
    ]
    if rows:
        text += "\n\n| field | type | default |\n| --- | --- | --- |\n" + "\n".join(rows)
    if attributes:
        text += "\n\n| attribute | type | default |\n| --- | --- | --- |\n" + "\n".join(attributes.values())
    for method, function in vars(value).items():
        if _documented(method, function):
            plain = function.__func__ if isinstance(function, classmethod) else function
            text += f"\n\n#### `{name}.{method}{signature(plain)}`\n\n{markdown(plain.__doc__)}"
    return text


def _attributes(value: type) -> dict[str, str]:
    """The rows of what a class declares for its subclasses to say."""
    declared = {n: t for n, t in vars(value).get("__annotations__", {}).items() if str(t).startswith("ClassVar[")}
    return {
        name: f"| `{name}` | `{_cell(kind[len('ClassVar[') : -1])}` |"
        f" {f'`{getattr(value, name)!r}`' if hasattr(value, name) else 'required'} |"
        for name, kind in declared.items()
    }


def _documented(name: str, value: Any) -> bool:
    if name.startswith("_") and name != "__call__":
        return False
    return inspect.isfunction(value) or isinstance(value, classmethod)


def _default(field: dataclasses.Field[Any]) -> str:
    if inspect.isfunction(field.default):
        return f"`{field.default.__name__}`"
    if field.default is not dataclasses.MISSING:
        return f"`{_cell(repr(field.default))}`"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{_cell(getattr(field.default_factory, '__name__', ''))}()`"
    return "required"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _suites() -> Iterator[str]:
    from lsncli import testing

    names = ["ComponentSuite", *(name for name in testing.__all__ if name != "ComponentSuite")]
    shared: set[str] = set()
    for name in names:
        suite = getattr(testing, name)
        about = inspect.getmodule(suite)
        checks = {n: f for n, f in inspect.getmembers(suite, inspect.isfunction) if n.startswith("test_")}
        order = [n for base in reversed(suite.__mro__) for n in vars(base) if n in checks and n not in shared]
        rows = [
            f"| `{n.removeprefix('test_')}` | {_cell(_flat(checks[n].__doc__))} |" for n in dict.fromkeys(order)
        ]
        if name == "ComponentSuite":
            shared = set(checks)
        table = "| check | what must hold |\n| --- | --- |\n" + "\n".join(rows)
        yield f"### `{name}`\n\n{markdown(about.__doc__ if about else '')}\n\n{table}"


def _flat(doc: str | None) -> str:
    return " ".join(markdown(doc).split())


def markdown(doc: str | None, fields: frozenset[str] = frozenset()) -> str:
    """A docstring as Markdown: roles as code, literal blocks as fenced ones, lists of ``fields`` as lists."""
    text = inspect.cleandoc(doc or "")
    text = re.sub(r":mod:`([\w.]+)`", r"`\1`", text)
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    text = re.sub(r"(?m)^(`[^`\n]+`)\n {4}", r"- \1: ", text)
    lines: list[str] = []
    block: list[str] | None = None
    for line in [*text.splitlines(), None]:
        if block is not None and line is not None and (line.startswith("    ") or not line):
            block.append(line[4:])
            continue
        if block is not None:
            lines += ["```python", *"\n".join(block).strip("\n").splitlines(), "```", ""]
            block = None
        if line is None:
            break
        if line.endswith("::"):
            block = []
            line = line[:-1] if line != "::" else ""
        lines.append(_listed(line, fields))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _listed(line: str, fields: frozenset[str]) -> str:
    """The first line of what is said of one or several fields, as an entry of a list."""
    names, colon, told = line.partition(": ")
    words = names.split(", ")
    if colon and set(words) <= fields:
        return f"- {', '.join(f'`{word}`' for word in words)}: {told}"
    return line
