"""`manage.py demo`: the whole round in a terminal, against a home of its own."""

import json
import shutil
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pinakes_client import Pinakes
from webapp.embedded.demonstration import Demonstration, demonstrate
from webapp.embedded.failures import UnableToStart
from webapp.embedded.instance import Instance, running_instance


class Command(BaseCommand):
    """Start a temporary Pinakes, prompt every model, search, read a document, ask, and stop."""

    help = "Show the whole round against a temporary home; the exit status tells the truth."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object only")
        parser.add_argument(
            "--output",
            type=Path,
            default=settings.BASE_DIR / "runs" / "demo",
            help="where the results are kept",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        is_quiet = options["json"]
        output: Path = options["output"]
        output.mkdir(parents=True, exist_ok=True)
        # Short, and outside private folders that the servers' account cannot enter.
        home = Path(tempfile.mkdtemp(prefix="pinakes-demo-"))
        try:
            self._say(is_quiet, f"Starting a temporary Pinakes in {home}")
            with running_instance(home=home) as instance:
                shown = self._demonstrate(instance, output=output, is_quiet=is_quiet)
            self._say(is_quiet, "Stopped, and the temporary home removed.")
        except UnableToStart as refused:
            raise CommandError(f"Pinakes did not start: {refused}") from refused
        finally:
            shutil.rmtree(home, ignore_errors=True)
        if not shown.went_well:
            raise CommandError("; ".join(shown.faults))

    def _demonstrate(self, instance: Instance, *, output: Path, is_quiet: bool) -> Demonstration:
        self._say(is_quiet, f"Ready after {instance.ready_after_seconds:.1f} s.")
        key = instance.manage("create_api_key", "admin", "--name", "demo").strip()
        # No proxy of the environment may come between us and our own machine.
        with Pinakes(instance.base_url, key, trust_env=False) as client:
            shown = demonstrate(
                client=client,
                folder=output,
                report=lambda line: self._say(is_quiet, f"  {line}"),
            )
        if is_quiet:
            ready = {"ready_after_seconds": round(instance.ready_after_seconds, 2)}
            self.stdout.write(json.dumps(ready | shown.to_dict()))
        else:
            self._print(shown)
        return shown

    def _say(self, is_quiet: bool, line: str) -> None:  # noqa: FBT001 - private, one caller's flag
        if not is_quiet:
            self.stdout.write(line)

    def _print(self, shown: Demonstration) -> None:
        rows = [("model", "seconds", "artifact")]
        rows += [
            (made.model, f"{made.seconds:.2f}", made.path or f"{made.status}: {made.reason}")
            for made in shown.models
        ]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        self.stdout.write("")
        for model, seconds, path in rows:
            self.stdout.write(f"{model:<{widths[0]}}  {seconds:>{widths[1]}}  {path}")
        if shown.search is not None:
            place = f"number {shown.search.rank}" if shown.search.rank else "not found"
            self.stdout.write(f"\nSearched: {shown.search.query}")
            self.stdout.write(
                f"   Found: {place} of {shown.search.num_hits}: {_one_line(shown.search.wanted)}"
            )
        if shown.answer is not None:
            self.stdout.write(f"\nAsked:  {shown.answer.question}")
            self.stdout.write(f"Answer: {_one_line(shown.answer.answer) or 'nothing found'}")
            for citation in shown.answer.citations:
                where = citation["heading"] or citation["title"]
                self.stdout.write(f"   [{citation['number']}] {where}")
        self.stdout.write("")


def _one_line(text: str) -> str:
    return " ".join(text.split())
