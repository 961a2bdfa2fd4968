"""The progress of a shard: something to look at, everything in the log, and the reason of a failure on the screen."""

import sys

import pytest

from scripts import train_shard

LINES = (
    "[1/2] digits/mlp seed 0 (0123456789ab): starts",
    "[1/2] digits/mlp seed 0 (0123456789ab): epoch 3/4, loss 0.1, 1 s so far, about 1 s left",
    "[2/2] digits/mlp seed 1 (0123456789ac): done in 3 s, test_accuracy 0.9",
)


def says(lines, code=0):
    text = "\n".join(lines)
    return [sys.executable, "-c", f"import sys; print({text!r}, file=sys.stderr); sys.exit({code})"]


def test_all_lines_are_in_the_log_and_none_is_lost_on_the_way(tmp_path, capsys):
    code, tail = train_shard.watch(says(LINES), log=tmp_path / "logs/x.log", bar=train_shard.Bar("x"))
    assert code == 0
    assert (tmp_path / "logs/x.log").read_text().splitlines() == list(LINES) == tail
    assert "x: done" in capsys.readouterr().err


def test_without_a_terminal_a_line_comes_now_and_then(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train_shard, "QUIET_S", -1.0)
    train_shard.watch(says(LINES), log=tmp_path / "x.log", bar=train_shard.Bar("x"))
    assert "x: run 2 of 2, digits/mlp seed 1" in capsys.readouterr().err


def test_a_failure_keeps_its_exit_code_and_last_words(tmp_path):
    code, tail = train_shard.watch(
        says(["pvlib: no such study"], code=7), log=tmp_path / "x.log", bar=train_shard.Bar("x")
    )
    assert (code, tail) == (7, ["pvlib: no such study"])


def test_an_unknown_study_is_told_on_the_screen(tmp_path, capsys):
    assert train_shard.main(["nonesuch", "1/1", "--log", str(tmp_path / "x.log")]) != 0
    assert "unknown study 'nonesuch'" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[], ["--published", "results/quick"]])
def test_what_is_published_is_left_out_where_that_is_asked_for(tmp_path, monkeypatch, given):
    commands = []
    monkeypatch.setattr(train_shard, "watch", lambda command, **_: (commands.append(command), (0, []))[1])
    assert train_shard.main(["quick", "1/2", "--log", str(tmp_path / "x.log"), *given]) == 0
    assert commands[0][-len(given) :] == given if given else "--published" not in commands[0]
