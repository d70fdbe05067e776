"""Which operating-system account the database servers run under.

PostgreSQL refuses to run as root, because a hole in the server would then be a hole in the whole
machine. Started by root, Pinakes therefore runs both servers as an unprivileged account, and this
module answers what that account is and which paths it can reach.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from webapp.embedded.failures import UnableToStart

UNPRIVILEGED_ACCOUNT = "nobody"


@dataclass(frozen=True, kw_only=True)
class Account:
    """An operating-system account that child processes switch to."""

    name: str
    user_id: int
    group_id: int


def current_user_name() -> str:
    """Return the name that PostgreSQL's peer authentication will see for this process."""
    user_id = os.geteuid()
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError as missing:
        raise UnableToStart(
            f"user id {user_id} has no entry in the password database, and PostgreSQL needs one; "
            "run as a named user"
        ) from missing


def database_account() -> Account | None:
    """Return the account to switch to for the servers, or None to stay who we are."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    except KeyError as missing:
        raise UnableToStart(
            f"started as root, but there is no '{UNPRIVILEGED_ACCOUNT}' account to run "
            "PostgreSQL under; start Pinakes as an ordinary user"
        ) from missing
    return Account(name=entry.pw_name, user_id=entry.pw_uid, group_id=entry.pw_gid)


def can_traverse(account: Account, directory: Path) -> bool:
    """Say whether the account may pass through `directory` and all of its parents."""
    return all(
        _has_search_permission(account, path)
        for path in (directory.resolve(), *directory.resolve().parents)
    )


def _has_search_permission(account: Account, directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid == account.user_id:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.group_id:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
