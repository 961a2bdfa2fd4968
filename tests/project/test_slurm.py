"""The workflow on a cluster: what becomes of a job that is lost."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from workflow import try_slurm

ROOT = Path(__file__).resolve().parents[2]


def test_a_job_that_the_cluster_loses_is_noticed_and_all_tables_are_those_of_an_undisturbed_run():
    script = ROOT / "workflow/try_slurm.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=290, cwd=ROOT)
    if done.returncode == try_slurm.SKIPPED:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr


def test_without_slurm_nothing_is_tried_and_that_is_said(monkeypatch, capsys):
    monkeypatch.setattr(try_slurm, "program_path", lambda name: None)
    assert try_slurm.main() == try_slurm.SKIPPED
    assert "SKIPPED, nothing was tried: munge, slurm-wlm not installed" in capsys.readouterr().err


def test_the_profile_notices_failed_jobs_where_the_cluster_keeps_no_accounts():
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    assert profile["slurm-status-command"] == "squeue"
    assert profile["retries"] >= 1
