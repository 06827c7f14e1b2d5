"""The cores that a process may use, in faked control groups; what its processor can do."""

import os

import pytest

from labkit import machine


@pytest.fixture
def sixteen(monkeypatch):
    """Bind this process, as it seems, to 16 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)


@pytest.fixture
def groups(tmp_path, monkeypatch, sixteen):
    """Return write(own, files): the text of /proc/self/cgroup, and files under /sys/fs/cgroup."""

    def write(own, files):
        monkeypatch.setattr(machine, "CONTROL_GROUPS", tmp_path / "cgroup")
        monkeypatch.setattr(machine, "OWN_GROUP", tmp_path / "own")
        if own is not None:
            (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


V1 = "12:memory:{0}\n4:cpu,cpuacct:{0}\n3:cpuset:{0}\n1:name=systemd:{0}\n0::{0}\n"


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        # Version 2, in a container that sees its own group as the topmost.
        ("0::/\n", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/\n", {"cpu.max": "160000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 16),
        ("0::/\n", {"memory.max": "max\n"}, 16),
        ("0::/\n", {"cpu.max": ""}, 16),
        # A nested group: the tightest one around it counts.
        ("0::/a/b\n", {"cpu.max": "max 1\n", "a/cpu.max": "3 1\n", "a/b/cpu.max": "max 1\n"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "200000 100000\n"}, 2),
        ("0::/a\n", {"a/memory.max": "max\n", "other/cpu.max": "100000 100000\n"}, 16),
        ("0::/a b:c\n", {"a b:c/cpu.max": "200000 100000\n"}, 2),
        # The path is that on the host, the folder shows the container.
        ("0::/docker/12ab\n", {"cpu.max": "500000 100000\n"}, 5),
        ("0::/../12ab\n", {"cpu.max": "500000 100000\n"}, 5),
        # Version 1, under either name of the mount.
        (
            V1.format("/"),
            {"cpu,cpuacct/cpu.cfs_quota_us": "600000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            6,
        ),
        (V1.format("/"), {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000"}, 16),
        (
            V1.format("/docker/12ab"),
            {"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "50000\n"},
            3,
        ),
        (
            V1.format("/slurm/job"),
            {
                "cpu/slurm/cpu.cfs_quota_us": "700000\n",
                "cpu/slurm/cpu.cfs_period_us": "100000\n",
                "cpu/slurm/job/cpu.cfs_quota_us": "-1\n",
                "cpu/slurm/job/cpu.cfs_period_us": "100000\n",
            },
            7,
        ),
        ("2:cpuset:/a\n", {"cpuset/a/cpu.cfs_quota_us": "1", "cpu/cpu.cfs_quota_us": "1"}, 16),
        # No control groups at all, or no /proc.
        ("", {}, 16),
        (None, {}, 16),
        (None, {"cpu.max": "200000 100000\n"}, 2),
    ],
)
def test_the_tightest_limit_counts(groups, own, files, cores):
    groups(own, files)
    assert machine.cores() == cores


def test_fewer_cores_than_a_container_may_use(groups, monkeypatch):
    groups("0::/\n", {"cpu.max": "800000 100000\n"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    assert machine.cores() == 2


@pytest.mark.parametrize(("counted", "cores"), [(12, 12), (None, 1)])
def test_a_system_that_binds_no_process(groups, monkeypatch, counted, cores):
    groups(None, {})
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert machine.cores() == cores


def test_the_folders_that_limit_memory(groups, tmp_path):
    groups("0::/a\n7:memory:/m\n", {"a/memory.max": "1", "memory/m/memory.limit_in_bytes": "1"})
    top = tmp_path / "cgroup"
    assert machine.group_folders("memory") == [top / "a", top, top / "memory/m", top / "memory"]


@pytest.mark.parametrize(
    ("limit", "used"),
    [("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")],
)
def test_a_container_has_less_memory(groups, limit, used):
    folder = "" if limit == "memory.max" else "memory/"
    own = "0::/\n" if limit == "memory.max" else V1.format("/")
    groups(own, {folder + limit: str(2**28), folder + used: str(2**27)})
    total, free = machine.memory()
    assert total == 2**28
    assert free <= 2**27


def test_no_limit_of_memory_is_no_limit(groups):
    groups("0::/\n", {"memory.max": "max\n"})
    assert machine.memory()[0] > 2**28


# --- what the processor can do, as systems tell it ----------------------------------------------

SAPPHIRE_RAPIDS = """processor	: 0
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags		: fpu vme sse4_2 avx fma avx2 avx512f avx512dq avx_vnni avx512_bf16 avx512_vnni \
amx_bf16 avx512_fp16 amx_tile amx_int8 arch_capabilities
vmx flags	: vnmi preemption_timer
bugs		: spectre_v1
""".replace("\\\n", "")
HASWELL = "processor\t: 0\nflags\t\t: fpu sse4_2 avx f16c fma avx2 bmi2\n"
SSE_ONLY = "processor\t: 0\nflags\t\t: fpu mmx sse sse2\n"
GRAVITON_3 = """processor	: 0
BogoMIPS	: 2100.00
Features	: fp asimd evtstrm aes sve asimddp svei8mm svebf16 i8mm bf16 dgh rng
CPU implementer	: 0x41
"""
RASPBERRY_PI_4 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n"
M1 = """hw.optional.arm.AdvSIMD: 1
hw.optional.arm.FEAT_BF16: 0
hw.optional.arm.FEAT_I8MM: 0
hw.optional.arm64: 1
"""
M2 = M1.replace("BF16: 0", "BF16: 1").replace("I8MM: 0", "I8MM: 1")
INTEL_MAC = "hw.optional.avx2_0: 1\nhw.optional.avx512f: 0\nhw.optional.x86_64: 1\n"
X86_OF_TODAY = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"]


@pytest.mark.parametrize(
    ("platform", "text", "flags", "bfloat16"),
    [
        ("linux", SAPPHIRE_RAPIDS, X86_OF_TODAY, "yes (avx512_bf16, amx_bf16)"),
        ("linux", HASWELL, ["avx2"], "no"),
        ("linux", SSE_ONLY, [], "no"),
        ("linux", GRAVITON_3, ["asimd", "sve", "i8mm", "bf16"], "yes (bf16)"),
        ("linux", GRAVITON_3 + RASPBERRY_PI_4, ["asimd"], "no"),  # a job may land on any core
        ("linux", POWER, None, "unknown"),
        ("linux", "", None, "unknown"),
        ("darwin", M1, ["asimd"], "no"),
        ("darwin", M2, ["asimd", "i8mm", "bf16"], "yes (bf16)"),
        ("darwin", INTEL_MAC, ["avx2"], "no"),
        ("darwin", "", None, "unknown"),
        ("win32", None, None, "unknown"),
    ],
)
def test_the_units_of_a_processor(tmp_path, monkeypatch, platform, text, flags, bfloat16):
    monkeypatch.setattr(machine.sys, "platform", platform)
    monkeypatch.setattr(machine, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "_output_of", lambda *command: text)
    if platform == "linux":
        (tmp_path / "cpuinfo").write_text(text)
    assert machine.cpu_flags() == flags
    assert machine.bfloat16_units() == bfloat16
