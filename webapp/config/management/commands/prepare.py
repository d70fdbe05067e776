"""`manage.py prepare`: everything between an empty migrated database and a usable site."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from genmodels.embedding import load_embedder
from webapp.accounts.models import User
from webapp.accounts.operations import ensure_admin
from webapp.catalog.connector_operations import check_folders
from webapp.catalog.operations import sync_checkpoints
from webapp.knowledge.operations import submit_source
from webapp.search.space_operations import follow_settings


class Command(BaseCommand):
    """Sync the catalogue, export the embedder, make the first admin, load the examples."""

    help = "Prepare the catalogue, the embedder, the first admin and the example documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--json` for `manage.py initialise`."""
        parser.add_argument("--json", action="store_true", help="print one JSON object only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe to run again: what is there already stays as it is."""
        follow_settings(embedder=load_embedder())
        models = sync_checkpoints(roots=settings.PINAKES_CHECKPOINTS)
        models += check_folders(root=settings.PINAKES_MODELS)
        password = ensure_admin()
        if password is not None:
            _load_examples()
        if options["json"]:
            self.stdout.write(json.dumps({"admin_password": password, "models": models}))
            return
        self.stdout.write(f"{models} models are available.")
        if password is not None:
            self.stdout.write(f"Sign in as admin / {password}")


def _load_examples() -> None:
    """Give the first admin the example documents, so that the first question has a source."""
    owner = User.objects.filter(is_superuser=True).earliest("id")
    for path in sorted((settings.BASE_DIR / "docs" / "examples").glob("*.md")):
        submit_source(owner=owner, file_name=path.name, content=path.read_bytes())
