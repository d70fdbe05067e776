"""`manage.py create_api_key USER`: make a key and print it once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.accounts import operations
from webapp.accounts.models import User


class Command(BaseCommand):
    """Create an API key for a user and print the secret alone, ready for a script."""

    help = "Create an API key for USER and print it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The user's name, and a name for the key."""
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key on standard output and nothing else."""
        try:
            user = User.objects.get(username=options["username"])
        except User.DoesNotExist as error:
            raise CommandError(f"There is no user {options['username']!r}.") from error
        created = operations.create_api_key(user=user, name=options["name"])
        self.stdout.write(created.secret)
