"""`manage.py up`: everything, in one terminal, until Ctrl-C."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from webapp.embedded.failures import UnableToStart
from webapp.embedded.stack import StackRequest, run_stack
from webapp.embedded.terminal import Terminal


class Command(BaseCommand):
    """Start the databases, the web server and the workers; stop them all on Ctrl-C."""

    help = "Start the databases, the web server and the workers; stop them all on Ctrl-C."
    # Checks import the URLs and ask for a database, which is started here.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000)
        parser.add_argument("--home", type=Path, default=settings.PINAKES_HOME)
        parser.add_argument("--no-worker", action="store_true", help="web server only")

    def handle(self, *_args: Any, **options: Any) -> None:
        request = StackRequest(
            home=options["home"],
            host=options["host"],
            port=options["port"],
            has_workers=not options["no_worker"],
        )
        os.umask(0o077)  # prompts, pictures and logs are nobody else's business
        try:
            run_stack(request=request, terminal=Terminal())
        except UnableToStart as refused:
            self.stderr.write(f"Cannot start: {refused}")
            sys.exit(1)
