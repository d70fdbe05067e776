"""A home is private, exclusive, and says plainly what is wrong with it."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from webapp.embedded import home as home_module
from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import Home, exclusive_use, open_home, secret_key
from webapp.embedded.privileges import Account, can_traverse


def test_the_folders_are_closed_to_other_users(home: Home) -> None:
    assert stat.S_IMODE(home.logs.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.sockets().stat().st_mode) == 0o700
    assert stat.S_IMODE(home.path.stat().st_mode) == (0o711 if home.account else 0o700)


def test_the_socket_path_is_short_however_deep_the_home_lies(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    opened = open_home(path=deep, account=None)
    assert len(os.fsencode(opened.sockets() / ".s.PGSQL.5432")) <= 107


def test_two_homes_never_share_sockets(tmp_path: Path) -> None:
    first = open_home(path=tmp_path / "first", account=None)
    second = open_home(path=tmp_path / "second", account=None)
    assert first.sockets() != second.sockets()


def test_the_secret_key_is_made_once_and_readable_by_its_owner_only(home: Home) -> None:
    key = secret_key(home)
    assert len(key) >= 50
    assert secret_key(home) == key
    assert stat.S_IMODE((home.path / "secret_key").stat().st_mode) == 0o600


def test_a_home_that_is_a_file_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(UnableToStart, match="cannot write to the home") as refused:
        open_home(path=tmp_path / "home", account=None)
    assert "\n" not in str(refused.value)


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "MINIMUM_FREE_BYTES", 2**62)
    with pytest.raises(UnableToStart, match="nearly full"):
        open_home(path=tmp_path, account=None)


def _hold(path: Path, ready: object, done: object) -> None:
    with exclusive_use(Home(path=path, account=None)):
        ready.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


def test_a_second_user_of_a_home_is_told_who_has_it(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(home.path, ready, done))
    holder.start()
    try:
        assert ready.wait(30)
        with (
            pytest.raises(UnableToStart, match=rf"already running .*process {holder.pid}"),
            exclusive_use(home),
        ):
            pytest.fail("two holders of one lock")
    finally:
        done.set()
        holder.join()


def test_the_lock_ends_with_its_holder(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(home.path, ready, done))
    holder.start()
    assert ready.wait(30)
    holder.kill()
    holder.join()
    with exclusive_use(home):
        assert home.lock.read_text() == str(os.getpid())


def test_a_closed_parent_cannot_be_traversed_by_a_stranger(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    stranger = Account(name="stranger", user_id=54321, group_id=54321)
    inner.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    assert not can_traverse(stranger, inner)


def test_a_folder_of_somebody_else_is_not_taken_over(home: Home) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of somebody else")
    foreign = home.path / "foreign"
    foreign.mkdir()
    os.chown(foreign, 54321, 54321)
    with pytest.raises(UnableToStart, match="belongs to someone else"):
        home.give_to_servers(foreign)


def test_a_planted_link_is_replaced_and_not_followed(home: Home) -> None:
    folder = home.give_to_servers(home.path / "redis")
    target = home.path / "precious"
    target.write_text("untouched")
    (folder / "redis.conf").symlink_to(target)
    home.write_for_servers(folder / "redis.conf", "port 0\n")
    assert target.read_text() == "untouched"
    assert not (folder / "redis.conf").is_symlink()
