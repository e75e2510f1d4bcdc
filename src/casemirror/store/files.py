"""Files: content-addressed on disk, one row each. A file is there whole or not at all."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import stat
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.entry import FileRef
from casemirror.model.errors import CasemirrorError, Invalid, RetryLater
from casemirror.model.ids import FileId
from casemirror.store import schema
from casemirror.store.database import Store
from casemirror.store.durable import sync_folder
from casemirror.store.upsert import upsert

NAME_BYTES = 200
"""File systems take names of 255 bytes; something may be put before it."""
PART = ".part-"
"""How the name of a file begins that is not whole yet."""
_CHUNK = 1 << 20


class DiskFull(RetryLater):
    """The bytes could not be written; nothing of them was kept, and it is tried again."""

    code = "file.not_written"


class FileRefused(Invalid):
    """The file itself cannot be taken (too large, unreadable); trying again would not help."""

    code = "file.refused"


def refusals() -> tuple[type[CasemirrorError], ...]:
    """Errors after which a file is left out and everything else goes on."""
    return (FileRefused,)


def put(store: Store, source: Path | BinaryIO, name: str, max_bytes: int) -> FileRef:
    """Take a file in: streamed, at most `max_bytes`. Call it outside a transaction.

    Raises FileRefused (too large, unreadable) and DiskFull; neither leaves anything behind.
    """
    if isinstance(source, Path):
        with _opened(source) as stream:
            return put(store, stream, name, max_bytes)
    clean = safe_name(name)
    try:
        with tempfile.NamedTemporaryFile(dir=store.files_folder, prefix=PART, delete=False) as part:
            temporary = Path(part.name)
            try:
                file_id, size = _copy(source, part, clean, max_bytes)
                os.fsync(part.fileno())
                _enter(store, temporary, file_id, size)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DiskFull(
            f"file {clean!r} could not be written to {store.files_folder}: {error.strerror or error}"
        ) from error
    return FileRef(id=file_id, name=clean, size=size, content_type=_content_type(clean))


def measure(source: Path, name: str, max_bytes: int) -> FileRef:
    """What `put` would make of a file, without taking it in. Raises FileRefused."""
    clean = safe_name(name)
    with _opened(source) as stream:
        file_id, size = _copy(stream, None, clean, max_bytes)
    return FileRef(id=file_id, name=clean, size=size, content_type=_content_type(clean))


def _content_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _opened(source: Path) -> BinaryIO:
    """A regular file, open; anything else (a folder, a pipe that would wait for ever) is refused."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise FileRefused(f"there is no file {source}") from None
    except OSError as error:
        raise FileRefused(f"{source} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileRefused(f"{source} is no file")
    return os.fdopen(descriptor, "rb")


def _copy(source: BinaryIO, part: IO[bytes] | None, name: str, max_bytes: int) -> tuple[FileId, int]:
    """Hash of the bytes and their number; they are written to `part` when there is one."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise FileRefused(f"file {name!r} is larger than the limit of {max_bytes} bytes (setting files.max)")
        digest.update(chunk)
        if part is not None:
            part.write(chunk)
    if part is not None:
        part.flush()
    return FileId(digest.hexdigest()), size


def _enter(store: Store, temporary: Path, file_id: FileId, size: int) -> None:
    """Move the bytes to their place and write the row. Inside one transaction, so that `forget_unreferenced` does not
    delete in between what is just taken in again.
    """
    target = path(store, file_id)
    with store.write() as tx:
        upsert(tx, schema.file, {"id": file_id}, {"size": size, "created_at": store.clock.now()})
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.replace(target)
        sync_folder(target.parent)


def path(store: Store, file_id: FileId) -> Path:
    """Where the bytes of a file lie."""
    return store.files_folder / file_id[:2] / file_id[2:]


def forget_unreferenced(store: Store, before: datetime | None = None) -> int:
    """Delete files that no entry shows, and what killed processes left half written; returns how many.

    before   leave what was taken in since then: its entry may be about to be written
    """
    table = schema.file
    shown = sa.select(schema.entry.c.file_id).where(schema.entry.c.file_id == table.c.id)
    old = [table.c.created_at < before] if before else []
    with store.write() as tx:
        gone = tx.execute(table.delete().where(~shown.exists(), *old).returning(table.c.id)).scalars().all()
        for file_id in gone:
            path(store, FileId(file_id)).unlink(missing_ok=True)
    parts = [p for p in store.files_folder.glob(f"{PART}*") if before and p.stat().st_mtime < before.timestamp()]
    for part in parts:
        part.unlink(missing_ok=True)
    return len(gone) + len(parts)


def total(tx: Connection) -> tuple[int, int]:
    """How many files there are, and their bytes together."""
    row = tx.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(schema.file.c.size), 0))).one()
    return int(row[0]), int(row[1])


def safe_name(name: str) -> str:
    """The last part of a file name without control characters, at most 200 bytes; `file` when nothing is left."""
    last = re.split(r"[\\/]", name)[-1]
    clean = "".join(c for c in last if c.isprintable())
    short = clean.encode(errors="ignore")[-NAME_BYTES:].decode(errors="ignore")
    return short.strip().lstrip(". ") or "file"
