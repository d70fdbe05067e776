"""`manage.py openapi`: the agreed description of the REST interface, kept in the repository."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.generators import SchemaGenerator

from webapp.config.compatibility import breaking_changes

AGREED: Path = settings.BASE_DIR / "docs" / "openapi.json"


def current_description() -> dict[str, Any]:
    """The description as the code has it now."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    # Through JSON, so that lazily translated words become words.
    content: dict[str, Any] = json.loads(json.dumps(schema, default=str))
    return content


class Command(BaseCommand):
    """Writes docs/openapi.json, unless clients of the agreed interface would break."""

    help = "Write docs/openapi.json from the code; refuses what would break clients."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch."""
        parser.add_argument("--accept-breaking", action="store_true", help="write it all the same")

    def handle(self, *, accept_breaking: bool, **_: Any) -> None:
        """Compare, then write."""
        now = current_description()
        if AGREED.is_file() and not accept_breaking:
            breaches = breaking_changes(json.loads(AGREED.read_text(encoding="utf-8")), now)
            if breaches:
                lines = "\n".join(f"- {each}" for each in breaches)
                raise CommandError(f"Clients would break:\n{lines}")
        text = json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        AGREED.write_text(text, encoding="utf-8")
        self.stdout.write(f"{AGREED} is up to date")
