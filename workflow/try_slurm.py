"""Try the workflow on a cluster: a SLURM of one node, started here for the occasion, loses a job half-way.

    python workflow/try_slurm.py

A study of seconds is trained twice: undisturbed by `pvlib run`, and through `--profile workflow/profiles/slurm` with a job
cancelled while it trains. Both must end in the same tables. Needs Debian's packages slurm-wlm and munge and the
extra `workflow`; exit code 77 where they are not installed. Everything listens on this machine alone, under the user who
calls, in a temporary folder; a SLURM that is installed here already is not touched.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = 77
PROGRAMS = {
    "munged": "munge",
    **dict.fromkeys(("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo"), "slurm-wlm"),
}
PLUGIN = "snakemake_executor_plugin_slurm"
LOOPBACK = "127.0.0.1"
PATIENCE_S = 150.0
RESULTS = "build/results/tiny"
# The workflow as a user starts it, but for the time between two looks at the jobs.
SNAKEMAKE = [
    sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"),
    "--profile", str(ROOT / "workflow/profiles/slurm"), "--slurm-init-seconds-before-status-checks", "2",
    "--config", "live=tiny", "shards=2", "--", f"{RESULTS}/SHA256SUMS",
]  # fmt: skip
# What may differ between two studies that come to the same: where and when, not what.
ORIGIN = ["wall_s", "measure_s", "load", "commit", "finished_at", "seconds"]
STUDY = """\
study: tiny
defaults: {dataset: digits, optimiser: adamw, batch_size: 32, weight_decay: 0.0, precision: float32, augment: none}
cells:
  - name: tiny/mlp
    label: MLP
    role: primary
    seeds: 2
    recipe: {architecture: mlp, objective: classification, width: 16, epochs: 30, lr: 2.0e-3}
"""
CONFIGURATION = """\
ClusterName=tried
SlurmctldHost={host}({loopback})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={room}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={room}/state
SlurmdSpoolDir={room}/spool
SlurmctldPidFile={room}/slurmctld.pid
SlurmdPidFile={room}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
KillWait=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
NodeName={host} NodeAddr={loopback} CPUs=2 RealMemory=64000
PartitionName=tried Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Trouble(Exception):
    """The cluster or the study did not do what it should; the message says what."""


def main() -> int:
    absent = missing()
    if absent:
        print(f"try_slurm: SKIPPED, nothing was tried: {', '.join(absent)} not installed", file=sys.stderr)
        return SKIPPED
    # Not below TMPDIR: the path of a socket has a hundred characters at most.
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
        room = Path(folder)
        try:
            plain = project(room / "undisturbed")
            say("the study, undisturbed")
            for command in (
                ["run", "studies/tiny.yml", "--threads", "1"],
                ["publish", "studies/tiny.yml", "--to", RESULTS],
            ):
                with started([sys.executable, "-m", "pvlib.cli", *command], plain, {}) as work:
                    finish(work, plain)
            disturbed = project(room / "disturbed")
            with cluster(room) as environment:
                say("the study on the cluster")
                with started(SNAKEMAKE, disturbed, environment) as work:
                    cancelled = cancel_one(disturbed, work, environment)
                    finish(work, disturbed)
            submitted = (disturbed / "out.log").read_text().count("has been submitted with SLURM jobid")
            if submitted < 4:  # two shards, the tables, and the shard that was lost
                raise Trouble(f"job {cancelled} was cancelled, and no other took its place ({submitted} jobs)")
            compare(disturbed, plain)
        except Trouble as trouble:
            print(f"try_slurm: {trouble}", file=sys.stderr)
            return 1
    say(f"job {cancelled} was cancelled while it trained, another finished its work, and all tables are the same")
    return 0


def missing() -> list[str]:
    """What has to be installed first."""
    packages = {package for program, package in PROGRAMS.items() if program_path(program) is None}
    if importlib.util.find_spec(PLUGIN) is None:
        packages.add(PLUGIN.replace("_", "-"))
    return sorted(packages)


def program_path(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def cluster(room: Path) -> Iterator[dict[str, str]]:
    """A SLURM of one node, until the block ends; yields the variables by which its commands find it."""
    for name in ("state", "spool"):
        (room / name).mkdir()
    key = room / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    configuration = room / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            room=room,
            user=getpass.getuser(),
            host=socket.gethostname().partition(".")[0],
            loopback=LOOPBACK,
            controller_port=free_port(),
            node_port=free_port(),
        )
    )
    # The executor starts each step without SLURM_CONF: on a real cluster the configuration lies where srun looks for it.
    srun = room / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={configuration} exec {program_path("srun")} "$@"\n')
    srun.chmod(0o755)
    environment = {"SLURM_CONF": str(configuration), "PATH": f"{srun.parent}{os.pathsep}{os.environ['PATH']}"}
    daemons = {
        "munged": ["--foreground", "--force", f"--key-file={key}", f"--socket={room}/munge.socket",
                   f"--pid-file={room}/munged.pid", f"--log-file={room}/munged.log", f"--seed-file={room}/munged.seed"],
        "slurmctld": ["-D", "-i"],
        "slurmd": ["-D"],
    }  # fmt: skip
    with contextlib.ExitStack() as stack:
        for name, arguments in daemons.items():
            stack.enter_context(daemon(name, arguments, room, environment))
        wait_for(lambda: "idle" in asked("sinfo", "--noheader", "--format=%T", environment=environment), room, "a node")
        try:
            yield environment
        finally:
            asked("scancel", f"--user={getpass.getuser()}", environment=environment)
            wait_for(lambda: not asked("squeue", "--noheader", environment=environment), room, "the end of all jobs")


@contextlib.contextmanager
def daemon(name: str, arguments: list[str], room: Path, environment: dict[str, str]) -> Iterator[None]:
    with open(room / f"{name}.out", "w") as log:
        process = subprocess.Popen(
            [program_path(name), *arguments],
            env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        if name == "munged":
            wait_for((room / "munge.socket").exists, room, name)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as made:
        made.bind((LOOPBACK, 0))
        return made.getsockname()[1]


def asked(*command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    return done.stdout


def wait_for(condition, room: Path, what: str) -> None:
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            logs = "".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in sorted(room.glob("*.out")))
            raise Trouble(f"{what} did not come up within 30 s\n{logs}")
        time.sleep(0.2)


def project(folder: Path) -> Path:
    """A folder with the study, in which the workflow runs."""
    (folder / "studies").mkdir(parents=True)
    (folder / "studies/tiny.yml").write_text(STUDY)
    return folder


@contextlib.contextmanager
def started(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """A command in a project of its own, with a store of its own; it does not outlive the block."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    variables = {**os.environ, **environment, "PVLIB_STORE": str(folder / "store"), "PYTHONPATH": path}
    with open(folder / "out.log", "a") as log:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def cancel_one(folder: Path, work: subprocess.Popen, environment: dict[str, str]) -> str:
    """Cancel the job of the first shard after one of its epochs; its number."""
    log = folder / "build/logs/tiny-1-of-2.log"
    end = time.monotonic() + PATIENCE_S
    while not (log.exists() and ": epoch " in log.read_text()):
        if work.poll() is not None or time.monotonic() > end:
            raise Trouble(f"the first shard did not begin\n{output(folder)}")
        time.sleep(0.05)
    listed = asked("squeue", "--noheader", "--states=RUNNING", "--format=%i %k", environment=environment)
    jobs = [line.split()[0] for line in listed.splitlines() if "rule_train" in line and "_1_2" in line]
    if len(jobs) != 1 or "done in" in log.read_text():
        raise Trouble(f"no job of the first shard to cancel among:\n{listed}\n{log.read_text()}")
    asked("scancel", jobs[0], environment=environment)
    return jobs[0]


def finish(work: subprocess.Popen, folder: Path) -> None:
    try:
        code = work.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        code = None
    if code != 0:
        state = "did not end" if code is None else f"ended with exit code {code}"
        raise Trouble(f"the {folder.name} study {state}\n{output(folder)}")


def output(folder: Path) -> str:
    """The ends of what the workflow and its jobs said."""
    logs = [
        folder / "out.log",
        *sorted(folder.glob(".snakemake/slurm_logs/**/*.log")),
        *sorted(folder.glob("build/logs/*")),
    ]
    return "".join(f"--- {log.relative_to(folder)}\n{log.read_text()[-3000:]}" for log in logs)


def compare(one: Path, two: Path) -> None:
    """The same tables, value by value, in both projects."""
    folders = [folder / RESULTS for folder in (one, two)]
    names = [sorted(path.name for path in folder.glob("*.parquet")) for folder in folders]
    if not names[0] or names[0] != names[1]:
        raise Trouble(f"other tables: {names[0]} and {names[1]}")
    for name in names[0]:
        tables = [pd.read_parquet(folder / name).drop(columns=ORIGIN, errors="ignore") for folder in folders]
        try:
            pd.testing.assert_frame_equal(*tables, check_exact=True, obj=name)
        except AssertionError as error:
            raise Trouble(f"the tables differ: {error}") from error


def say(text: str) -> None:
    print(f"try_slurm: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
