"""The groups that the roles are."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ROLES = ("author", "reviewer", "admin")


def create_roles(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make a group for each role."""
    groups = apps.get_model("auth", "Group")
    for role in ROLES:
        groups.objects.get_or_create(name=role)


class Migration(migrations.Migration):
    """Roles exist from the first start."""

    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
