"""What a folder's file system is and can do."""

from __future__ import annotations

from jupyter_mldeploy.cli import disks

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:5 / /home rw - btrfs /dev/sdb rw
31 30 0:6 / /home/ann/far\040away rw shared:2 - nfs4 server:/x rw
32 30 0:7 / /home rw - xfs /dev/sdc rw
"""


def test_the_nearest_mount_decides_and_a_later_one_hides_an_earlier(tmp_path):
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    root = type(tmp_path)("/")
    assert disks.kind_of(root / "srv", table) == "ext4"
    assert disks.kind_of(root / "home/ann", table) == "xfs"
    assert disks.kind_of(root / "home/ann/far away/models", table) == "nfs4"
    assert disks.kind_of(root / "homes", table) == "ext4"
    assert disks.kind_of(root, tmp_path / "missing") == ""


def test_existing_parent(tmp_path):
    assert disks.existing_parent(tmp_path / "a" / "b") == tmp_path
    assert disks.existing_parent(tmp_path) == tmp_path


def test_trying_leaves_nothing_behind(tmp_path):
    assert disks.writable(tmp_path) == ""
    assert disks.can_reflink(tmp_path) in {True, False}
    assert disks.free_bytes(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_says_why(tmp_path):
    assert disks.writable(tmp_path / "missing") == "No such file or directory"
