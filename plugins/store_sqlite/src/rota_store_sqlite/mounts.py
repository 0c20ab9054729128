"""On what kind of file system a folder is, where the system tells."""

import os
from pathlib import Path
from typing import Final

__all__ = ["network_file_system"]

_MOUNTS: Final = Path("/proc/self/mountinfo")  # Linux
_NETWORK: Final = frozenset(
    {
        "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs",
        "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "smb3", "smbfs",
    }
)  # fmt: skip


def network_file_system(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network file system that `folder` is on; None when it is on none, or that can't be seen."""
    try:
        device = os.stat(folder).st_dev
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = [_kind(line) for line in lines if line.split()[2] == wanted]
    return next((kind for kind in kinds if kind in _NETWORK), None)


def _kind(line: str) -> str:
    """The file system's name: the first word behind the dash, before which stand any number of options."""
    return line.partition(" - ")[2].split(" ", 1)[0]
