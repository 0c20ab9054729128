"""On what kind of file system a folder is."""

import os
from pathlib import Path

import pytest

from rota_store_sqlite.mounts import network_file_system


def _mounts(folder: Path, *kinds: str) -> Path:
    device = os.stat(folder).st_dev
    lines = [
        "22 27 0:21 / /proc rw,relatime - proc proc rw",
        *(
            f"36 35 {os.major(device)}:{os.minor(device)} /a\\040b /mnt rw,noatime master:1 - {kind} server:/x rw"
            for kind in kinds
        ),
        "99 27 7777:7 / /elsewhere rw - nfs4 server:/y rw",
    ]
    path = folder / "mountinfo"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph"])
def test_network_file_system_is_named(kind: str, tmp_path: Path) -> None:
    """By the device of the folder; another mount of another kind is none of its business."""
    assert kind == network_file_system(tmp_path, _mounts(tmp_path, kind))


@pytest.mark.parametrize("kinds", [(), ("ext4",), ("tmpfs", "overlay"), ("fuse.fuse-overlayfs",), ("9p",)])
def test_file_system_of_this_machine_is_none(kinds: tuple[str, ...], tmp_path: Path) -> None:
    """Nor is what a container or a virtual machine calls its own disk."""
    assert None is network_file_system(tmp_path, _mounts(tmp_path, *kinds))


def test_system_that_does_not_tell_refuses_nothing(tmp_path: Path) -> None:
    """Nor does a folder that is not there: opening the file says so."""
    assert None is network_file_system(tmp_path, tmp_path / "none")
    assert None is network_file_system(tmp_path / "none")
    assert None is network_file_system(tmp_path)
