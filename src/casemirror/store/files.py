"""Files: content-addressed on disk, one row each. A file is there whole or not at all."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.entry import FileRef
from casemirror.model.errors import CasemirrorError, Invalid, RetryLater
from casemirror.model.ids import FileId
from casemirror.store import schema
from casemirror.store.database import Store

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
        try:
            with source.open("rb") as stream:
                return put(store, stream, name, max_bytes)
        except FileNotFoundError:
            raise FileRefused(f"there is no file {source}") from None
        except (IsADirectoryError, PermissionError) as error:
            raise FileRefused(f"{source} cannot be read: {error.strerror}") from error
    clean = safe_name(name)
    file_id, size = _write(store, source, clean, max_bytes)
    with store.write() as tx:
        table = schema.file
        if tx.execute(sa.select(table.c.id).where(table.c.id == file_id)).one_or_none() is None:
            tx.execute(table.insert().values(id=file_id, size=size, created_at=store.clock.now()))
    kind = mimetypes.guess_type(clean)[0] or "application/octet-stream"
    return FileRef(id=file_id, name=clean, size=size, content_type=kind)


def _write(store: Store, source: BinaryIO, name: str, max_bytes: int) -> tuple[FileId, int]:
    digest, size = hashlib.sha256(), 0
    try:
        with tempfile.NamedTemporaryFile(dir=store.files_folder, prefix=".part-", delete=False) as part:
            temporary = Path(part.name)
            try:
                while chunk := source.read(_CHUNK):
                    size += len(chunk)
                    if size > max_bytes:
                        raise FileRefused(
                            f"file {name!r} is larger than the limit of {max_bytes} bytes (setting files.max)"
                        )
                    digest.update(chunk)
                    part.write(chunk)
                part.flush()
                os.fsync(part.fileno())
                file_id = FileId(digest.hexdigest())
                target = path(store, file_id)
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DiskFull(
            f"file {name!r} could not be written to {store.files_folder}: {error.strerror or error}"
        ) from error
    return file_id, size


def path(store: Store, file_id: FileId) -> Path:
    """Where the bytes of a file lie."""
    return store.files_folder / file_id[:2] / file_id[2:]


def forget_unreferenced(store: Store) -> int:
    """Delete files that no entry shows; returns how many."""
    table = schema.file
    with store.write() as tx:
        shown = sa.select(schema.entry.c.file_id).where(schema.entry.c.file_id.is_not(None))
        unused = list(tx.execute(sa.select(table.c.id).where(table.c.id.not_in(shown))).scalars())
        for file_id in unused:
            tx.execute(table.delete().where(table.c.id == file_id))
            path(store, FileId(file_id)).unlink(missing_ok=True)
    return len(unused)


def total(tx: Connection) -> tuple[int, int]:
    """How many files there are, and their bytes together."""
    row = tx.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(schema.file.c.size), 0))).one()
    return int(row[0]), int(row[1])


def safe_name(name: str) -> str:
    """The last part of a file name without control characters, at most 200 characters; `file` when nothing is left."""
    last = re.split(r"[\\/]", name)[-1]
    clean = "".join(c for c in last if c.isprintable()).strip().lstrip(".")
    return clean[-200:] or "file"
