"""What the person who typed `make up` sees: a few calm lines."""

import sys
import time
from typing import TextIO


class Terminal:
    """Prints one line per finished step, and one per thing worth knowing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        encoding = (self._stream.encoding or "ascii").lower()
        self._tick = "✓" if encoding.startswith("utf") else "*"
        self._began_at = time.monotonic()

    def step(self, line: str) -> None:
        """Print something that is done, and how long after the beginning."""
        self.say(f"  {self._tick} {line} ({time.monotonic() - self._began_at:.1f} s)")

    def note(self, line: str) -> None:
        """Print something that happened or is worth knowing."""
        self.say(f"  ! {line}")

    def say(self, line: str) -> None:
        """Print a line as it is."""
        print(line, file=self._stream, flush=True)
