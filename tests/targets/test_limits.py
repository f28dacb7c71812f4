"""The limits of control groups, version 1 and 2, nested and not."""

from __future__ import annotations

import os

import pytest

from jupyter_mldeploy.targets.limits import memory_kills, memory_used, read_limits

V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = (
    "31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def machine(root, mounts, groups, files):
    written = {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups, **files}
    for path, text in written.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return read_limits(root)


def test_version_2_takes_the_tightest_of_its_parents(tmp_path):
    found = machine(
        tmp_path,
        V2,
        "0::/user/job\n",
        {
            "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user/memory.max": "3000000000\n",
            "sys/fs/cgroup/user/job/memory.max": "2000000000\n",
        },
    )
    assert found.processor_quota == 1.5
    assert found.memory_limit == 2_000_000_000


def test_version_1(tmp_path):
    found = machine(
        tmp_path,
        V1,
        "4:memory:/job\n2:cpu,cpuacct:/job\n",
        {
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert found.processor_quota == 0.5
    assert found.memory_limit == 1_000_000_000


def test_in_a_container_the_group_may_be_named_as_the_host_sees_it(tmp_path):
    found = machine(
        tmp_path,
        V1,
        "4:memory:/docker/abc\n",
        {"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000000\n"},
    )
    assert found.memory_limit == 1_000_000_000


def test_without_limits(tmp_path):
    unlimited = {
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    found = machine(tmp_path, V1, "4:memory:/\n2:cpu:/\n", unlimited)
    assert (found.processor_quota, found.memory_limit) == (None, None)


def test_without_any_of_it(tmp_path):
    found = read_limits(tmp_path)
    assert (found.processor_quota, found.memory_limit) == (None, None)
    assert found.processors == len(os.sched_getaffinity(0))
    assert found.memory > 0


@pytest.mark.parametrize(
    ("mounts", "groups", "file", "text"),
    [
        (V2, "0::/user/job\n", "user/job/memory.events", "low 0\nmax 9\noom 2\noom_kill 3\n"),
        (V1, "4:memory:/job\n", "memory/job/memory.oom_control", "under_oom 0\noom_kill 3\n"),
    ],
    ids=["version 2", "version 1"],
)
def test_kills_for_lack_of_memory_are_counted(tmp_path, mounts, groups, file, text):
    machine(tmp_path, mounts, groups, {f"sys/fs/cgroup/{file}": text})
    assert memory_kills(tmp_path) == 3


def test_kills_that_cannot_be_read(tmp_path):
    machine(tmp_path, V2, "0::/\n", {})
    assert memory_kills(tmp_path) is None


def test_memory_that_is_used_leaves_caches_out(tmp_path):
    folder = "sys/fs/cgroup/user"
    files = {
        f"{folder}/memory.max": "1000\n",
        f"{folder}/memory.current": "700\n",
        f"{folder}/memory.stat": "anon 500\ninactive_file 150\n",
    }
    machine(tmp_path, V2, "0::/user\n", files)
    assert memory_used(tmp_path) == 550
