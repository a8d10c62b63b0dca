"""The workflow through a real Slurm, in a cluster of one machine that these tests start.

`make test-slurm` installs Slurm and runs them. What is lost on the way is computed again, and the
results are those of a local run, byte by byte.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from .conftest import ROOT, Workspace, contents, environment

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

Found = TypeVar("Found")

PROFILES = ROOT / "workflow" / "profiles"
SCRIPT = Path(__file__).with_name("slurm_cluster.sh")

OPTIONS = {
    # No accounting database here; and a cluster of one machine is looked at often.
    "slurm": ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"],
    "cluster-generic": [],
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm of one node; it is stopped after the tests."""
    if os.environ.get("CIMSIM_TEST_SLURM") != "1":
        pytest.skip("tests with Slurm change /etc/slurm: `make test-slurm` runs them")
    for program in ("slurmctld", "slurmd", "sbatch", "munge"):
        if shutil.which(program) is None and not Path("/usr/sbin", program).is_file():
            pytest.skip(f"{program} is not installed; on Debian: slurm-wlm and munge")
    if os.geteuid() != 0:
        pytest.skip("starting Slurm needs root")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install '.[slurm]'")
    folder = tmp_path_factory.mktemp("slurm")
    try:
        subprocess.run([SCRIPT, "start", folder], check=True, timeout=120)
        yield
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=True, timeout=60)


@pytest.fixture
def partly(finished: Workspace, tmp_path: Path, cluster: None) -> Workspace:
    """A finished run that has lost its accuracies on arrays, in another folder."""
    folder = tmp_path / "partly"
    shutil.copytree(finished.folder, folder, ignore=shutil.ignore_patterns(".snakemake"))
    for lost in ("infer", "campaigns"):
        shutil.rmtree(folder / "results" / lost)
    return Workspace(folder)


class Run:
    """A run through Slurm, and what the queue says of its jobs."""

    def __init__(self, workspace: Workspace, profile: str, *options: str, **named: str) -> None:
        self.workspace = workspace
        self.log = workspace.folder / "run.txt"
        chosen = ["--profile", str(PROFILES / profile), *OPTIONS[profile], "--latency-wait", "20"]
        self._others = {job["JobId"] for job in _queue()}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                workspace.command(*chosen, *options, **named),
                cwd=workspace.folder,
                env=environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def jobs(self) -> list[dict[str, str]]:
        """Return what Slurm says of the jobs of this run, oldest first."""
        mine = [job for job in _queue() if job["JobId"] not in self._others]
        return sorted(mine, key=lambda job: int(job["JobId"]))

    def wait_for(self, state: str, rule: str = "infer") -> str:
        """Return the number of the first job of a rule in a state, once there is one."""
        return _until(
            lambda: next(
                (
                    job["JobId"]
                    for job in self.jobs()
                    if state == job["JobState"] and rule in _rule(job)
                ),
                "",
            ),
            f"no job of {rule} is {state}; see {self.log}",
        )

    def finish(self) -> str:
        """Wait for the end of a run that must succeed and return what it printed."""
        try:
            code = self.process.wait(timeout=600)
        finally:
            self.stop()
        text = self.log.read_text()
        assert code == 0, text
        return text

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _rule(job: dict[str, str]) -> str:
    """Return what names the rule of a job: its comment or its name, by executor."""
    return f"{job.get('Comment', '')} {job['JobName']}"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _queue() -> list[dict[str, str]]:
    """Return what Slurm says of all jobs that it remembers."""
    lines = _output("scontrol", "--oneliner", "show", "job").splitlines()
    jobs = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]
    return [job for job in jobs if "JobId" in job]


def _until(look: Callable[[], Found], failure: str, seconds: float = 120) -> Found:
    """Return what `look` finds as soon as it is not empty or false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(failure)


def _resume(node: str) -> None:
    """Let a node take jobs again. Slurm refuses that for one that has come back by itself
    (ReturnToService), so what counts is its state."""

    def is_back() -> bool:
        change = ["scontrol", "update", f"NodeName={node}", "State=RESUME"]
        subprocess.run(change, capture_output=True, check=False, timeout=60)
        return not re.search("down|drain", _output("sinfo", "--noheader", "--format=%T"))

    _until(is_back, f"{node} does not come back")


def _memory(job: dict[str, str]) -> int:
    """Return the MB that a job asked for."""
    number, unit = re.fullmatch(r"([0-9.]+)([MG])", job["MinMemoryNode"]).groups()
    return round(float(number) * {"M": 1, "G": 1024}[unit])


def test_a_whole_campaign(workspace: Workspace, finished: Workspace, cluster: None) -> None:
    Run(workspace, "slurm").finish()
    assert contents(workspace.results) == contents(finished.results)


@pytest.mark.parametrize("profile", OPTIONS)
def test_a_cancelled_job_runs_again(profile: str, partly: Workspace, finished: Workspace) -> None:
    run = Run(partly, profile)
    first = run.wait_for("RUNNING")
    _output("scancel", first)
    printed = run.finish()
    assert "Trying to restart" in printed
    assert contents(partly.results) == contents(finished.results)
    states = {job["JobId"]: job["JobState"] for job in run.jobs()}
    assert states.pop(first) == "CANCELLED"
    assert set(states.values()) == {"COMPLETED"}
    # The second attempt may use twice the memory: the profile cannot tell why a job was killed.
    infer = [_memory(job) for job in run.jobs() if "infer" in _rule(job)]
    assert sorted(infer) == [4000, 4000, 4000, 4000, 8000]


def test_a_drained_node(partly: Workspace, finished: Workspace) -> None:
    (node,) = _output("sinfo", "--noheader", "--Node", "--format=%N").split()
    run = Run(partly, "slurm")
    try:
        running = run.wait_for("RUNNING")
        _output("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
        # What runs goes on to its end; nothing else starts.
        _until(
            lambda: {job["JobId"]: job["JobState"] for job in run.jobs()}[running] == "COMPLETED",
            "the job did not end on the drained node",
        )
        _until(lambda: "drained" in _output("sinfo", "--noheader", "--format=%T"), "not drained")
        assert run.process.poll() is None
        waiting = [job for job in run.jobs() if job["JobState"] == "PENDING"]
        assert waiting
    finally:
        _resume(node)
    run.finish()
    assert contents(partly.results) == contents(finished.results)


def test_a_node_that_goes_down(partly: Workspace, finished: Workspace) -> None:
    """Slurm puts the jobs of a lost node into the queue again; they find nothing half-written."""
    (node,) = _output("sinfo", "--noheader", "--Node", "--format=%N").split()
    run = Run(partly, "slurm")
    try:
        run.wait_for("RUNNING")
        _output("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        _until(
            lambda: all(job["JobState"] != "RUNNING" for job in run.jobs()),
            "a job is still running",
        )
    finally:
        _resume(node)
    run.finish()
    assert contents(partly.results) == contents(finished.results)


def test_out_of_memory(partly: Workspace, finished: Workspace) -> None:
    """Slurm kills the first attempts for the memory they use; the second ones may use more."""
    run = Run(partly, "slurm", "--set-resources", "infer:mem_mb=100 if attempt == 1 else 2000")
    run.finish()
    assert contents(partly.results) == contents(finished.results)
    infer = [job for job in run.jobs() if "infer" in _rule(job)]
    failed = [job for job in infer if job["JobState"] != "COMPLETED"]
    assert [_memory(job) for job in failed] == [100] * 4
    assert {job["JobState"] for job in failed} <= {"FAILED", "OUT_OF_MEMORY"}
    assert [_memory(job) for job in infer if job["JobState"] == "COMPLETED"] == [2000] * 4


@pytest.mark.parametrize("profile", OPTIONS)
def test_jobs_for_a_gpu_ask_for_one(profile: str, partly: Workspace) -> None:
    """What they ask for is seen while no node takes them; other jobs ask for none."""
    for lost in ("trace", "ppa"):  # a trace that nothing needs would not be made again
        shutil.rmtree(partly.results / lost)
    (node,) = _output("sinfo", "--noheader", "--Node", "--format=%N").split()
    _output("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    try:
        run = Run(partly, profile, device="cuda")
        try:
            run.wait_for("PENDING", "infer")
            run.wait_for("PENDING", "trace")
            jobs = run.jobs()
        finally:
            run.stop()
            _output("scancel", "--user=root")
    finally:
        _resume(node)
    asked = {_rule(job): re.search(r"gpu[^,]*?[:=](\d+)", str(job)) for job in jobs}
    for rule, found in asked.items():
        assert (found is not None and found[1] == "1") == ("infer" in rule), rule


@pytest.mark.parametrize("profile", OPTIONS)
def test_names_that_a_shell_would_run_are_not_submitted(
    profile: str, workspace: Workspace, cluster: None
) -> None:
    name = "$(touch hacked).yaml"
    workspace.campaign.rename(workspace.folder / name)
    run = Run(workspace, profile, campaign=name)
    assert run.process.wait(timeout=120) == 1
    assert run.jobs() == []
    assert "cimsim: '$(touch hacked).yaml': jobs cannot be submitted" in run.log.read_text()
    assert not list(workspace.folder.glob("hacked*"))
