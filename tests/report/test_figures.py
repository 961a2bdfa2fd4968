"""A figure must say what it shows, be the same twice, and say in words what it lacks; it must never break a page."""

import copy
import re

import numpy as np
import pandas as pd
import pytest

from pvlib.report import claims as claims_module
from pvlib.report import tables
from pvlib.report.figures import (
    Chapter,
    Missing,
    Plate,
    accuracy,
    controls,
    data_vector,
    findings,
    gaps,
    generalization,
    heatmaps,
    interactive,
    intervals,
    labels,
    meaning,
    place,
    portrait,
    replication,
    spans,
    style,
    taus,
    trajectories,
    verdicts,
    view,
)

from .fake_study import write_fake_study

CLAIMS = claims_module.load_claims()
FIGURES = {
    "pairs": heatmaps.pairs,
    "intervals": lambda v: intervals.pair_intervals(v, claims=CLAIMS),
    "spans": spans.overlaps,
    "replication": replication.other_samples,
    "kinds": labels.kinds,
    "between_classes": labels.between_classes,
    "random_labels": labels.random_labels,
    "another_seed": trajectories.along,
    "own": lambda v: trajectories.along(v, target="own"),
    "data_finals": data_vector.finals,
    "data_along": data_vector.along,
    "brightness": data_vector.brightness,
    "pool": generalization.scatter,
    "taus": lambda v: taus.taus(v, table=claims_module.generalization_table(v.study, CLAIMS)),
    "mean_direction": controls.mean_direction,
    "constant": controls.constant,
    "permutations": controls.permutations,
    "layers": controls.layers,
    "stability": gaps.stability,
    "scores": lambda v: accuracy.scores(v, claims=CLAIMS),
    "losses": accuracy.losses,
}


@pytest.fixture
def mnist(published):
    return view.View(published, "mnist")


def without_rows(study):
    """The study as a pool alone would be published: runs of the pool, and no row in any other table."""
    bare = copy.copy(study)
    bare.runs = study.runs[study.runs["role"] == "pool"]
    for name in set(tables.TABLES) - {"runs", "pool", "data"}:
        setattr(bare, name, getattr(study, name).iloc[:0])
    return bare


def drawn(plate, name="figure"):
    return style.svg(plate.figure, name=name, alt=plate.alt)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_words_numbers_and_an_alternative_text(mnist, name):
    plate = FIGURES[name](mnist)
    assert isinstance(plate, Plate), plate
    assert len(plate.table) and plate.caption.endswith(".") and len(plate.alt) > 40
    assert "nan" not in plate.caption.lower().split()
    picture = drawn(plate)
    assert 'role="img"' in picture and "aria-label=" in picture and "currentColor" in picture
    assert "\n\n" not in picture, "a blank line would end the HTML block on the page"


@pytest.mark.parametrize("name", FIGURES)
def test_a_pool_alone_breaks_no_figure(published, name):
    plate = FIGURES[name](view.View(without_rows(published), "mnist"))
    assert isinstance(plate, Plate) if name in ("pool", "taus") else isinstance(plate, Missing)


@pytest.mark.parametrize("name", FIGURES)
def test_a_single_network_breaks_no_figure(study, name):
    run = study.runs[study.runs["role"] == "primary"]["run"].iloc[0]
    for table in ("finals", "snapshots", "history", "anchor_shift"):
        rows = getattr(study, table)
        setattr(study, table, rows[rows["run"] == run])
    for table in ("pairs", "controls", "spans", "full", "trajectory", "pool"):
        setattr(study, table, getattr(study, table).iloc[:0])
    study.runs = study.runs[study.runs["run"] == run]
    assert isinstance(FIGURES[name](view.View(study, "mnist")), Plate | Missing)


def test_uncalibrated_networks_stand_beside_calibrated_ones(tmp_path):
    write_fake_study(tmp_path, datasets=("mnist",), architectures=("mlp", "lenet", "resnet20"), layers=("penultimate",))
    table = controls.layers(view.View(tables.load("quick", tmp_path), "mnist")).table
    table = table.query("layer == 'penultimate' and convention == 'centred'").set_index("kind")
    calibrated, raw = table.loc["untrained, untrained"], table.loc[controls.UNCALIBRATED]
    assert raw["size"] == calibrated["size"] > 0, "the same networks, once calibrated and once not"
    assert raw["median"] != calibrated["median"]


def test_the_same_figure_is_the_same_bytes(mnist):
    assert drawn(heatmaps.pairs(mnist)) == drawn(heatmaps.pairs(mnist))


def test_two_figures_on_a_page_share_no_id(mnist):
    ids = [set(re.findall(r'\bid="([^"]+)"', drawn(heatmaps.pairs(mnist), name))) for name in ("one", "two")]
    assert ids[0] and not ids[0] & ids[1]


def test_every_reference_inside_a_figure_has_its_target(mnist):
    picture = drawn(trajectories.along(mnist), "fig")
    wanted = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', picture))
    assert {a or b for a, b in wanted} <= set(re.findall(r'\bid="([^"]+)"', picture))


def test_no_ink_is_left_that_only_suits_a_light_page(mnist):
    picture = drawn(controls.mean_direction(mnist))
    assert style.INK not in picture and "#000000" not in picture


def test_a_figure_alone_has_ink_of_its_own(mnist):
    assert "currentColor" not in style.svg(heatmaps.pairs(mnist).figure, name="alone", alt="x", ink="#777777")


def test_drawing_leaves_the_settings_of_matplotlib_alone(mnist):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    heatmaps.pairs(mnist)
    assert dict(mpl.rcParams) == before


def test_a_heat_map_shows_the_means_of_the_table(mnist, published):
    table = heatmaps.pairs(mnist).table
    row = table[(table["state"] == "trained") & (table["convention"] == "centred")].iloc[0]
    runs = {end: set(published.runs[published.runs["cell"] == row[f"cell_{end}"]]["run"]) for end in "ab"}
    pairs = published.pairs[
        (published.pairs["layer"] == "penultimate") & (published.pairs["split"] == "train")
        & (published.pairs["convention"] == "centred") & (published.pairs["state_a"] == "trained")
        & (published.pairs["state_b"] == "trained")
    ]  # fmt: skip
    one_way = pairs["run_a"].isin(runs["a"]) & pairs["run_b"].isin(runs["b"])
    other = pairs["run_a"].isin(runs["b"]) & pairs["run_b"].isin(runs["a"])
    assert row["mean"] == pytest.approx(pairs[one_way | other]["cos"].mean())
    assert row["pairs"] == (one_way | other).sum()


def test_a_vector_of_other_samples_is_refused_with_both_numbers(mnist):
    with pytest.raises(ValueError, match="7 entries, the published ones 200"):
        place.neighbours(mnist, np.ones(7), convention="centred")


def test_a_published_vector_finds_itself_and_may_be_left_out(mnist, published):
    run = mnist.runs.index[0]
    own = published.vectors(run)["trained/train/penultimate/centred"][0]
    assert place.neighbours(mnist, own, convention="centred")["cos"].max() == pytest.approx(1.0)
    left = place.neighbours(mnist, own, convention="centred", leave_out=run)
    assert len(left) == len(place.neighbours(mnist, own, convention="centred")) - 1
    assert isinstance(place.place(mnist, {"centred": own}, name="mine"), Plate)


def test_the_slider_turns_the_uncentred_vector_and_not_the_centred_one():
    from pvlib.measure import p_vector

    cloud = np.random.default_rng(0).normal(size=(20, 2))
    cloud -= cloud.mean(axis=0)
    moved = [cloud + offset for offset in (0.0, 50.0)]
    plate = interactive.offset_slider(
        moved,
        uncentred=[p_vector(points, center=False).vector for points in moved],
        centred=[p_vector(points, center=True).vector for points in moved],
        offsets=(0, 50),
    )
    assert "goes from 0.00 to 1.000" in plate.caption and "below 10⁻¹²" in plate.caption
    page, _ = plate.figure.pages("slider", plate.alt)
    assert 'id="slider"' in page and "https://" not in page.split("<script", 1)[0] and "cdn" not in page


def test_portraits_name_the_classes_at_the_ends():
    rng = np.random.default_rng(1)
    classes = np.repeat(np.arange(4), 10)
    plate = portrait.ends(rng.random((40, 8, 8)), {"v": (classes - 1.5) / 10}, classes, count=5)
    assert "'0' at one end, '3' at the other" in plate.caption
    assert isinstance(portrait.brightness(rng.random(40), {"v": rng.normal(size=40)}), Plate)
    assert "2.00 to 1 for m" in portrait.spectrum({"m": np.array([2.0, 1.0])}).caption


class TestChapter:
    @pytest.fixture
    def book(self, results, tmp_path):
        return Chapter(
            3, studies="quick,paper", results_dir=results, fresh_dir=tmp_path, tables_dir=tmp_path / "tables"
        )

    def test_what_is_not_published_is_said(self, book):
        assert "Not published yet: paper" in book.shown().myst

    def test_without_any_study_the_page_still_says_something(self, tmp_path):
        book = Chapter(3, studies="digits", results_dir=tmp_path, fresh_dir=tmp_path, tables_dir=tmp_path)
        assert "No study is published yet" in book.shown().myst
        assert book.show("pairs", heatmaps.pairs).myst == ""
        assert findings.floors_met(book.cells) == findings.NOTHING
        assert "18 are not tested" in meaning.counts(book.ledger)

    def test_a_study_that_must_be_there_is_named(self, book):
        with pytest.raises(FileNotFoundError, match="'digits' is not published"):
            book.view("digits")

    def test_a_figure_links_its_table_its_command_and_its_commit(self, book, tmp_path):
        shown = book.show("pairs", heatmaps.pairs)
        assert "{download}`Table (CSV) <../_generated/tables/03-pairs-quick-mnist.csv>`" in shown.myst
        assert "`make study publish STUDY=quick`" in shown.myst and "0000000" in shown.myst
        assert len(pd.read_csv(tmp_path / "tables/03-pairs-quick-mnist.csv")) > 3

    def test_tables_beside_the_pages_are_the_same_bytes_twice(self, book, tmp_path):
        contents = []
        for _ in range(2):
            book.show("pairs", heatmaps.pairs)
            contents.append((tmp_path / "tables/03-pairs-quick-mnist.csv").read_bytes())
        assert contents[0] == contents[1] and b"\r" not in contents[0]

    def test_figures_count_on(self, book):
        assert "Figure 3.1, MNIST." in book.show("one", heatmaps.pairs).myst
        assert "Figure 3.2, MNIST." in book.show("two", gaps.stability).myst

    def test_the_ranking_is_a_row_a_predictor_and_convention(self, book):
        shown = findings.ranking(book.ranking)
        assert set(shown["convention of the angle"]) == {"uncentred", "centred"} and len(shown) == 8
        assert findings.ranking(pd.DataFrame()).empty

    def test_a_missing_figure_is_said_in_words(self, book):
        shown = book.show("none", lambda _: Missing("the pool was never run"))
        assert shown.myst.strip() == "*Figure 3.1 is not shown for MNIST (the pool was never run).*"

    def test_a_fresh_study_comes_before_the_published_one(self, results, tmp_path):
        write_fake_study(
            tmp_path, datasets=("cifar10",), architectures=("mlp",), layers=("penultimate",), steps=(0, 10)
        )
        book = Chapter(3, studies="quick", results_dir=results, fresh_dir=tmp_path, tables_dir=tmp_path)
        assert [v.dataset for v in book.views] == ["cifar10"]


class TestWords:
    @pytest.fixture
    def ledger(self, published):
        return claims_module.ledger([published], CLAIMS)

    @pytest.mark.parametrize(
        ("uncentred", "centred", "said"),
        [
            ("holds, but so do the controls", "fails", "says little about what they learned, and with the mean taken away, "
             "architectures do not all share one direction"),
            ("holds", "holds", "speaks for shared learning, and with the mean taken away, networks still share"),
            ("not tested", "undefined (tie)", "not tested yet, and with the mean taken away, spans should be compared"),
        ],
    )  # fmt: skip
    def test_the_meaning_follows_the_verdicts(self, ledger, uncentred, centred, said):
        by = ledger["convention"].map({"uncentred": uncentred, "centred": centred})
        changed = ledger.assign(verdict=by, estimate=0.5)
        assert said in meaning.meaning(changed)

    def test_without_a_majority_of_data_sets_the_meaning_says_that_it_depends(self, ledger):
        verdict = ledger["dataset"].map({"mnist": "holds", "cifar10": "fails"}).fillna("inconclusive")
        said = meaning.meaning(ledger.assign(verdict=verdict, estimate=0.5))
        assert "what an uncentred angle says depends on the data set" in said

    def test_untrained_networks_that_agree_more_are_not_passed_over(self, ledger):
        more = ledger["convention"].eq("uncentred") & ledger["dataset"].eq("mnist")
        changed = ledger.assign(estimate=0.5, control=np.where(more, 0.6, 0.4))
        assert "never trained agree more than trained ones uncentred (MNIST)." in meaning.meaning(changed)
        assert "never trained" not in meaning.meaning(changed.assign(control=0.4, verdict="fails"))

    def test_the_demonstration_speaks_only_where_the_paper_s_data_do_not(self, ledger):
        demo = ledger["demonstration"]
        changed = ledger.assign(verdict=demo.map({True: "fails", False: "not tested"}), estimate=0.5)
        assert meaning.meaning(changed).startswith("No data set of the paper has enough trained networks")

    def test_every_verdict_of_a_claim_is_listed_with_its_numbers(self, ledger):
        text = findings.verdicts(ledger, claim=1)
        assert text.count("\n- **") == len(ledger[ledger["claim"] == 1])
        assert "**MNIST, centred: holds.**" in text and "[" in text

    def test_a_verdict_shows_the_other_anchor_and_single_pairs(self, ledger):
        text = findings.verdicts(ledger, claim=1)
        assert "On the test anchor: 0." in text and "Single pairs, without interval: 0." in text
        assert "On the test anchor: worst start" in findings.verdicts(ledger, claim=2)

    def test_falls_are_told_architecture_by_architecture(self, mnist):
        text = findings.falls([mnist], CLAIMS)
        assert "the mean angle falls in" in text and "60° or more in" in text and "30° or less in" in text

    def test_the_overview_says_each_verdict(self, ledger):
        plate = verdicts.overview(ledger)
        assert set(plate.table["claim"]) == {1, 2, 3}
        assert isinstance(verdicts.overview(ledger.assign(estimate=np.nan)), Missing)

    def test_numbers_in_prose_come_from_the_tables(self, mnist):
        assert "MNIST" in findings.by_kind([mnist]) and "classifier – autoencoder" in findings.by_kind([mnist])
        assert "°" in findings.against_data([mnist])
        assert "mean direction alone gives" in findings.mean_shares([mnist])
        assert "are tied" in findings.ties([mnist])
        assert "the accepted 98.4%" in findings.against_accepted([mnist])
        assert findings.compute([mnist.study]).startswith("- **quick**")

    def test_nothing_to_say_is_said(self):
        assert findings.by_kind([]) == findings.NOTHING
        assert "no accepted figure" in findings.against_accepted([])
