"""`manage.py connect_model server|folder|hub ...`: connect a model that others trained."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from genmodels.contract import InvalidRequest
from webapp.catalog.connector_operations import ConnectorWish, UnableToConnect, connect_model
from webapp.catalog.hub import UnableToFetchModel, fetch_model
from webapp.catalog.models import ConnectorKind, Protocol


class Command(BaseCommand):
    """Connect a model on a server, in a folder below PINAKES_MODELS, or from the hub."""

    help = "Connect a model that others trained, and print its slug."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command for each place that a model may be in."""
        places = parser.add_subparsers(dest="place", required=True)
        server = places.add_parser("server", help="a model on an OpenAI-compatible server")
        server.add_argument("url", help="its address, before /chat/completions")
        server.add_argument("model", help="what the server calls it")
        server.add_argument("--protocol", choices=Protocol.values, default=Protocol.CHAT)
        server.add_argument(
            "--key", action="store_true", help="read a key from the first line of standard input"
        )
        folder = places.add_parser("folder", help="a folder that transformers or diffusers saved")
        folder.add_argument("model", help=f"its name, below {settings.PINAKES_MODELS}")
        hub = places.add_parser("hub", help="fetch a model from the hub, then connect its folder")
        hub.add_argument("model", help="its id there, ORGANISATION/NAME")
        hub.add_argument("--revision", default="main", help="a branch, a tag or a commit")
        for place in (server, folder, hub):
            place.add_argument("--slug", default="")
            place.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the slug on standard output and nothing else."""
        model = options["model"]
        if options["place"] == "hub":
            self.stderr.write(f"Fetching {model} into {settings.PINAKES_MODELS}")
            try:
                model = fetch_model(
                    model, revision=options["revision"], root=settings.PINAKES_MODELS
                )
            except UnableToFetchModel as error:
                raise CommandError(str(error)) from error
        is_server = options["place"] == "server"
        wish = ConnectorWish(
            kind=ConnectorKind.SERVER if is_server else ConnectorKind.FOLDER,
            model=model,
            url=options.get("url", ""),
            protocol=options.get("protocol", Protocol.CHAT),
            key=sys.stdin.readline().strip() if options.get("key") else "",
            slug=options["slug"],
            name=options["name"],
        )
        try:
            made = connect_model(by=None, wish=wish, root=settings.PINAKES_MODELS)
        except InvalidRequest as error:
            raise CommandError(str(error)) from error
        except UnableToConnect as error:
            raise CommandError(str(error)) from error
        self.stdout.write(made.checkpoint.slug)
