"""Archives of strangers: looked at whole before anything in them is unpacked.

An archive says how large its files become; a bomb says so too, or lies. Both are met: by limits on
what is declared, and by counting what really comes out.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib

from webapp.knowledge.media import UnableToReadDocument

MAX_FILES = 10_000
#: All files together, and one of them, unpacked.
MAX_TOTAL_BYTES = 400_000_000
MAX_FILE_BYTES = 64_000_000
#: XML shrinks to a twentieth; what shrinks to less than this was made to.
_MAX_RATIO = 200
_RATIO_MATTERS_FROM = 10_000_000
_CHUNK_BYTES = 1_048_576
_IS_ENCRYPTED = 0x1


class Archive:
    """A ZIP file that was found harmless to list; unpacking is counted over all of it."""

    def __init__(self, content: bytes) -> None:
        """Raises UnableToReadDocument for an archive that is broken, locked or made to harm."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise _broken() from error
        self._files: dict[str, zipfile.ZipInfo] = {}
        self._left = MAX_TOTAL_BYTES
        self._check(len(content))

    def _check(self, size: int) -> None:
        infos = self._zip.infolist()
        if len(infos) > MAX_FILES:
            raise _bomb(f"It holds more than {MAX_FILES:,} files.")
        total = sum(info.file_size for info in infos)
        if total > MAX_TOTAL_BYTES:
            raise _bomb(f"It unpacks to {total / 1e6:,.0f} MB.")
        for info in infos:
            self._check_file(info)
            if info.filename in self._files:
                raise _unsafe("Two files in it have the same name.")
            self._files[info.filename] = info
        if total > _RATIO_MATTERS_FROM and total > _MAX_RATIO * size:
            raise _bomb(f"It unpacks to {total // size:,} times its size.")

    @staticmethod
    def _check_file(info: zipfile.ZipInfo) -> None:
        name = info.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise _unsafe("A file in it has a name that leads out of it.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _unsafe("It holds a link to another file.")
        if info.flag_bits & _IS_ENCRYPTED:
            raise UnableToReadDocument("encrypted", "The document is protected by a password.")
        large = info.file_size > _RATIO_MATTERS_FROM
        if large and info.file_size > _MAX_RATIO * max(1, info.compress_size):
            raise _bomb("A file in it is packed far more tightly than a document is.")

    @property
    def names(self) -> list[str]:
        """The files in it, in their order."""
        return list(self._files)

    def read(self, name: str) -> bytes:
        """Unpack one file. Raises UnableToReadDocument if it is missing, broken or too large."""
        info = self._files.get(name)
        if info is None:
            raise _broken()
        limit = min(MAX_FILE_BYTES, self._left)
        parts: list[bytes] = []
        length = 0
        try:
            with self._zip.open(info) as file:
                while part := file.read(_CHUNK_BYTES):
                    length += len(part)
                    if length > limit:
                        raise _bomb(f"A part of it unpacks to more than {limit / 1e6:,.0f} MB.")
                    parts.append(part)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise _broken() from error
        self._left -= length
        return b"".join(parts)

    def read_if_there(self, name: str) -> bytes | None:
        """Unpack one file that not every document has."""
        return self.read(name) if name in self._files else None


def _broken() -> UnableToReadDocument:
    return UnableToReadDocument("broken", "The file is damaged and cannot be read.")


def _bomb(detail: str) -> UnableToReadDocument:
    return UnableToReadDocument("bomb", f"{detail} Such files are not opened.")


def _unsafe(detail: str) -> UnableToReadDocument:
    return UnableToReadDocument("unsafe", detail)
