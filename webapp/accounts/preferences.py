"""What somebody prefers, kept with the account; read leniently, since older versions wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

#: `system` follows the browser's own choice of light or dark.
THEMES = ("system", "paper", "night")
#: The name that stands for "choose for me", or a slug. Whether there is such a model is found out
#: where it is used: one that is gone counts as `auto`.
MODEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Preferences:
    """How the pages look and behave for one person, wherever they sign in.

    `theme` and `narrow_rail` are None until they were chosen: then what the browser remembers by
    itself holds. `model` is what the Studio begins with, `previews` whether results are shown
    while they are made, `notices` whether ends are told on the desktop, where the browser lets it.
    """

    theme: str | None = None
    narrow_rail: bool | None = None
    model: str = "auto"
    previews: bool = True
    notices: bool = False

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Preferences:
        """Those of a row; members that this version does not know are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """All of them by name."""
        return asdict(self)
