"""`manage.py initialise`: bring the database and the files of a home up to this version."""

import io
import json
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from webapp.embedded.static_files import gather_static_files


class Command(BaseCommand):
    """Migrate, gather the static files and prepare the catalogue; safe to run again."""

    help = "Migrate, gather static files, prepare the catalogue and the first admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object only")
        parser.add_argument(
            "--wait", action="store_true", help="wait for a line on standard input first"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with ThreadPoolExecutor(max_workers=1) as beside:
            # Needs no database, so it need not wait for one.
            gathering = beside.submit(gather_static_files)
            if options["wait"] and not sys.stdin.readline():
                return  # whoever was to give the word is gone
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
            answer = io.StringIO()
            call_command("prepare", json=True, stdout=answer)
            outcome: dict[str, Any] = json.loads(answer.getvalue().strip().splitlines()[-1])
            gathering.result()
        if options["json"]:
            self.stdout.write(json.dumps(outcome))
            return
        self.stdout.write(f"{settings.PINAKES_HOME} is up to date.")
        if outcome["admin_password"]:
            self.stdout.write(f"Sign in as admin / {outcome['admin_password']}")
