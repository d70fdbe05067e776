from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("search", "0003_origins")]

    operations = [
        migrations.AddField(
            model_name="passage",
            name="repeat_group",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="passage",
            name="is_excluded",
            field=models.BooleanField(default=False, db_default=False),
        ),
        migrations.AddField(
            model_name="passage",
            name="is_edited",
            field=models.BooleanField(default=False, db_default=False),
        ),
    ]
