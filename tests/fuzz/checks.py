"""What schemathesis looks for in every answer beyond the description; loaded by it as hooks."""

from __future__ import annotations

import os
from typing import Any

import schemathesis


def no_foreign_object(_context: Any, response: Any, _case: Any) -> None:
    """Nothing that carries somebody else's mark is ever shown."""
    mark = os.environ.get("FOREIGN_MARK", "").encode()
    assert not mark or mark not in response.content.lower(), "this belongs to somebody else"


schemathesis.check(no_foreign_object)
