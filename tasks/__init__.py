"""What the workers run. Importing the package makes Django ready.

A spawned pool process imports the task modules by name, in no order that could be relied on, so
the set-up has to come with whichever is first.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
django.setup()
