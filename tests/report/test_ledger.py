"""The ledger on studies whose truth is planted."""

import json

import pandas as pd
import pytest

from pvlib.report.claims import ledger, load_claims
from pvlib.report.claims.verdict import VERDICTS
from pvlib.report.tables import Study

from .fake_study import write_fake_study, write_sums

CLAIMS = load_claims()
CELLS = ("mlp", "lenet", "conv_ae")


def judged(path, **planted):
    planted = {"datasets": ("mnist",), "architectures": CELLS, "pool": False, **planted}
    return ledger([Study(write_fake_study(path, **planted))], CLAIMS)


def row(rows, claim, convention, dataset="mnist"):
    found = rows[(rows.claim == claim) & (rows.convention == convention) & (rows.dataset == dataset)]
    assert len(found) == 1
    return found.iloc[0]


def change(folder, table, edit):
    edit(pd.read_parquet(folder / f"{table}.parquet")).to_parquet(folder / f"{table}.parquet", index=False)
    write_sums(folder)


def test_there_is_one_row_for_each_claim_data_set_and_convention(tmp_path):
    rows = judged(tmp_path)
    paper = rows[~rows.demonstration]
    assert len(paper) == 3 * 3 * 2
    assert not paper.duplicated(["claim", "dataset", "convention"]).any()
    assert set(rows.verdict) <= set(VERDICTS)


def test_agreement_of_trained_networks_only_holds(tmp_path):
    rows = judged(tmp_path, trained=0.99, untrained=0.3)
    found = row(rows, 1, "centred")
    assert found.verdict == "holds"
    assert found.estimate == pytest.approx(0.98, abs=0.02)
    assert found.seeds == 5


def test_agreement_that_untrained_networks_share_is_not_credited_to_training(tmp_path):
    rows = judged(tmp_path, trained=0.99, untrained=0.99)
    assert row(rows, 1, "centred").verdict == "holds, but so do the controls"


def test_one_architecture_that_disagrees_makes_any_two_fail(tmp_path):
    rows = judged(tmp_path, trained={"mlp": 0.99, "lenet": 0.99, "conv_ae": 0.3})
    found = row(rows, 1, "centred")
    assert found.verdict == "fails"
    assert found.estimate < 0.4


def test_fewer_seeds_than_the_protocol_asks_for_are_exploratory(tmp_path):
    found = row(judged(tmp_path, seeds=3, trained=0.99), 1, "centred")
    assert found.verdict == "not tested"
    assert found.estimate > 0.9
    assert pd.isna(found.lo)


def test_runs_below_their_floor_do_not_enter(tmp_path):
    found = row(judged(tmp_path, score={"mlp": 0.99, "lenet": 0.99, "conv_ae": 0.1}), 1, "centred")
    assert found.cells == 2
    assert "floor" in found.left_out


def test_unstable_p_vectors_leave_the_claim_undefined(tmp_path):
    assert row(judged(tmp_path, stability=0.5), 1, "centred").verdict == "undefined (tie)"


def test_a_planned_cell_that_was_never_trained_is_named_not_forgotten(tmp_path):
    folder = write_fake_study(tmp_path, datasets=("mnist",), architectures=CELLS, pool=False, trained=0.99)
    note = json.loads((folder / "provenance.json").read_text())
    note["planned_cells"]["mnist/vgg"] = {"label": "VGG", "role": "primary", "dataset": "mnist", "runs": 5}
    (folder / "provenance.json").write_text(json.dumps(note))
    write_sums(folder)
    found = row(ledger([Study(folder)], CLAIMS), 1, "centred")
    assert (found.cells, found.cells_planned) == (3, 4)
    assert "VGG (no finished run)" in found.left_out
    assert "VGG" in found.reason


@pytest.mark.parametrize("half", ["architecture == 'mlp'", "train_size == 2000", "seed == 0"])
def test_half_a_pool_is_not_judged(tmp_path, half):
    folder = write_fake_study(tmp_path, datasets=("mnist",), architectures=CELLS, link=4.0)
    whole = row(ledger([Study(folder)], CLAIMS), 3, "centred")
    assert whole.verdict != "not tested"
    change(folder, "pool", lambda rows: rows.query(half))
    found = row(ledger([Study(folder)], CLAIMS), 3, "centred")
    assert found.verdict == "not tested"
    assert "not complete" in found.reason


def test_a_link_that_was_planted_is_found_and_its_absence_is_not_called_one(tmp_path):
    linked = write_fake_study(tmp_path / "a", datasets=("mnist",), architectures=CELLS, link=4.0)
    assert row(ledger([Study(linked)], CLAIMS), 3, "centred").lo > 0
    none = write_fake_study(tmp_path / "b", datasets=("mnist",), architectures=CELLS, link=0.0)
    assert row(ledger([Study(none)], CLAIMS), 3, "centred").verdict == "inconclusive"


def test_a_pool_of_ties_has_no_verdict_and_the_other_anchor_replicates(tmp_path):
    sound = row(ledger([Study(write_fake_study(tmp_path / "a", datasets=("mnist",), architectures=CELLS, link=4.0))],
                       CLAIMS), 3, "centred")  # fmt: skip
    assert sound.tied_share == 0
    assert sound.replication_lo > 0
    folder = write_fake_study(tmp_path / "b", datasets=("mnist",), architectures=CELLS, link=4.0)
    change(folder, "pool", lambda rows: rows.assign(stability=rows["stability"].where(rows["seed"] == 0, 0.5)))
    assert row(ledger([Study(folder)], CLAIMS), 3, "centred").verdict != "undefined (tie)"  # half is not more than half
    change(folder, "pool", lambda rows: rows.assign(stability=0.5))
    found = row(ledger([Study(folder)], CLAIMS), 3, "centred")
    assert found.verdict == "undefined (tie)"
    assert "64 of 64 networks are tied" in found.reason
