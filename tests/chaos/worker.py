"""The product's worker with the pretend family: `celery -A tests.chaos.worker worker …`.

PINAKES_CHAOS_CLOCK shifts the clocks of its processes by so many seconds.
"""

import datetime
import os
import time

from django.utils import timezone

from tests.chaos.pretend import FAMILY
from webapp.celery import app

app.conf.include = [*dict.fromkeys([*app.conf.include, "tests.chaos.worker"])]


def _register() -> None:
    from genmodels.registry import FAMILY_MODULES

    FAMILY_MODULES[FAMILY] = "tests.chaos.pretend"


def _shift_clocks(seconds: float) -> None:
    """As a machine whose clock is wrong: only what measures intervals goes on as it was."""
    right_time, right_now = time.time, timezone.now
    time.time = lambda: right_time() + seconds
    timezone.now = lambda: right_now() + datetime.timedelta(seconds=seconds)


_register()
if _shift := float(os.environ.get("PINAKES_CHAOS_CLOCK", "0")):
    _shift_clocks(_shift)
