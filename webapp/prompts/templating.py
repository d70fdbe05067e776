"""Prompts with places for values: `A {{material}} boot`.

A place is a name in double braces. Values are put in once and as they are: braces in a value mean
nothing, so what a person types can never become a place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from genmodels.contract import Fault, InvalidRequest

MAX_VARIABLES = 32
MAX_VALUE_LENGTH = 20_000

#: ASCII names, so that no two that look alike are different ones.
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}")


def variables_of(text: str) -> tuple[str, ...]:
    """The names in a text, each once, in the order of their first places."""
    return tuple(dict.fromkeys(_PLACE.findall(text)))


def render(
    text: str, *, values: Mapping[str, object], defaults: Mapping[str, str], pointer: str
) -> str:
    """The text with a value in every place; raises InvalidRequest with every fault.

    `pointer` is where in the request the values are.
    """
    names = variables_of(text)
    faults = [
        Fault(f"{pointer}/{name}", "required", "must have a value")
        for name in names
        if name not in values and name not in defaults
    ]
    for name, value in values.items():
        if name not in names:
            offered = ", ".join(names) or "none"
            detail = f"the prompt has no such place; it has: {offered}"
            faults.append(Fault(f"{pointer}/{_escape(name)}", "unknown_variable", detail))
        elif not isinstance(value, str):
            faults.append(Fault(f"{pointer}/{name}", "invalid", "must be a string"))
        elif len(value) > MAX_VALUE_LENGTH:
            detail = f"must have at most {MAX_VALUE_LENGTH} characters"
            faults.append(Fault(f"{pointer}/{name}", "too_long", detail))
    if faults:
        raise InvalidRequest(faults)
    filled = {**defaults, **{name: str(value) for name, value in values.items()}}
    return _PLACE.sub(lambda place: filled[place[1]], text)


def default_faults(names: Sequence[str], defaults: Mapping[str, str]) -> list[Fault]:
    """What is wrong with the values that a text offers for its places."""
    faults = []
    for name, value in defaults.items():
        if name not in names:
            detail = "the text has no such place"
            faults.append(Fault(f"/defaults/{_escape(name)}", "unknown_variable", detail))
        elif len(value) > MAX_VALUE_LENGTH:
            detail = f"must have at most {MAX_VALUE_LENGTH} characters"
            faults.append(Fault(f"/defaults/{name}", "too_long", detail))
    return faults


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
