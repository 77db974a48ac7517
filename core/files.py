"""Files that are replaced as a whole: a reader finds the old content or the new, never a part."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

OWNER_ALONE = 0o600


def replace_file(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write `content` to `path`, by a new file that is on the disk before it takes the name.

    Mode and owner of a file that is there are kept; else the mode is `mode`, by default for its
    owner alone. Raises OSError, and leaves what was there.
    """
    target = path.resolve()  # a link stays a link
    before = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            kept = before.st_mode & 0o7777 if before else OWNER_ALONE
            os.fchmod(file.fileno(), kept if mode is None else mode)
            if before is not None:
                with suppress(PermissionError):  # only root gives a file to somebody else
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
