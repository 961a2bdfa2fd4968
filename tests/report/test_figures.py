"""A figure must show the numbers of the tables, be the same twice, and say in words what it lacks; it must never break a page.

Drawn from what the real publisher wrote: `quick` and `digits` as they are committed.
"""

import copy
import re

import numpy as np
import pandas as pd
import pytest

from pvlib.report import tables
from pvlib.report.figures import (
    BookFigure,
    Chapter,
    Missing,
    against_published,
    agreement,
    along,
    answers,
    controls,
    data_vector,
    families,
    generalization,
    interactive,
    mean_away,
    portrait,
    simulation,
    stability,
    style,
    training,
    version_1,
)
from pvlib.report.tables import accepted_accuracies

from .conftest import view_of
from .copies import RESULTS

FIGURES = {
    "heat_maps": agreement.heat_maps,
    "intervals": agreement.intervals,
    "spans": agreement.spans,
    "other_samples": agreement.other_samples,
    "by_relation": families.by_relation,
    "goes_with": families.goes_with,
    "random_labels": families.random_labels,
    "another_seed": along.to_final,
    "own": lambda view: along.to_final(view, target="own"),
    "output": lambda view: along.to_final(view, layer="output"),
    "to_data": lambda view: along.to_final(view, target="data"),
    "together": along.together,
    "data": data_vector.before_and_after,
    "mean_direction": controls.mean_direction,
    "constant": controls.constant,
    "permutations": controls.permutations,
    "layers": controls.layers,
    "stability": stability.over_samples,
    "spectra": stability.spectra,
    "forced": mean_away.forced,
    "scores": lambda view: training.scores(view, accepted=accepted_accuracies()),
    "losses": training.losses,
    "pool": generalization.scatter,
    "taus": generalization.taus,
}


@pytest.fixture(scope="module")
def digits():
    """The study that has something for every figure."""
    return view_of(tables.load("digits", RESULTS), "digits")


@pytest.fixture(scope="module")
def mnist():
    return view_of(tables.load("quick", RESULTS), "mnist")


def changed(view, **replaced):
    """The view of a copy of its study, with other tables."""
    study = copy.copy(view.study)
    for table in tables.TABLES:
        setattr(study, table, replaced.get(table, getattr(view.study, table)))
    return view_of(study, view.dataset)


def drawn(figure, name="figure"):
    return style.svg(figure.figure, name=name, alt=figure.alt)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_words_numbers_and_an_alternative_text(digits, name):
    figure = FIGURES[name](digits)
    assert isinstance(figure, BookFigure), figure
    assert len(figure.table) and figure.caption.rstrip().endswith(".") and len(figure.alt) > 40
    picture = drawn(figure)
    assert 'role="img"' in picture and "aria-label=" in picture and "currentColor" in picture
    assert "\n\n" not in picture, "a blank line would end the HTML block on the page"
    assert len(picture) < 150_000, "a page holds twenty of them"


@pytest.mark.parametrize("name", FIGURES)
def test_a_pool_alone_breaks_no_figure(digits, name):
    runs = digits.study.runs
    empty = {table: getattr(digits.study, table).iloc[:0] for table in set(tables.TABLES) - {"pool", "data"}}
    figure = FIGURES[name](changed(digits, **{**empty, "runs": runs[runs["role"] == "pool"]}))
    assert isinstance(figure, BookFigure) if name in ("pool", "taus") else isinstance(figure, Missing)


@pytest.mark.parametrize("name", FIGURES)
def test_a_single_network_breaks_no_figure(digits, name):
    runs = digits.study.runs
    run = runs.loc[runs["role"] == "primary", "run"].iloc[0]
    own = {
        t: getattr(digits.study, t) for t in ("finals", "snapshots", "history", "anchor_shift", "spectra", "correlates")
    }
    own = {table: rows[rows["run"] == run] for table, rows in own.items()}
    pairs = ("pairs", "controls", "spans", "full", "trajectory", "alongside", "pool")
    none = {table: getattr(digits.study, table).iloc[:0] for table in pairs}
    assert isinstance(
        FIGURES[name](changed(digits, runs=runs[runs["run"] == run], **own, **none)), BookFigure | Missing
    )


def mean_cos(view, a, b, **where):
    """Mean |cos| over pairs of seeds of two cells, straight from the table of pairs."""
    rows, runs = view.study.pairs, view.study.runs
    for column, value in where.items():
        rows = rows[rows[column] == value]
    one, two = (set(runs.loc[runs["cell"] == cell, "run"]) for cell in (a, b))
    both = (rows["run_a"].isin(one) & rows["run_b"].isin(two)) | (rows["run_a"].isin(two) & rows["run_b"].isin(one))
    return rows[both]["cos"].mean()


PLACE = {"layer": "penultimate", "split": "train"}


@pytest.mark.parametrize("state", ["trained", "untrained"])
@pytest.mark.parametrize("convention", ["uncentred", "centred"])
def test_heat_maps_intervals_and_relations_show_the_means_of_the_pairs(mnist, state, convention):
    expected = mean_cos(
        mnist, "mnist/mlp", "mnist/conv_ae", state_a=state, state_b=state, convention=convention, **PLACE
    )
    where = "state == @state and convention == @convention"
    heat = agreement.heat_maps(mnist).table.query(where + " and one == 'conv. autoencoder' and two == 'MLP'")
    interval = agreement.intervals(mnist).table.query(where + " and pair == 'MLP – conv. autoencoder'")
    relation = families.by_relation(mnist).table.query(where + " and pair == 'MLP – conv. autoencoder'")
    for found in (heat, interval, relation):
        assert found["mean"].to_numpy() == pytest.approx([expected], abs=1e-6)
    assert interval["lo"].iloc[0] < expected < interval["hi"].iloc[0]
    assert relation["relation"].iloc[0] == "classifier and autoencoder"


def test_the_diagonal_compares_two_seeds_of_one_architecture(mnist):
    expected = mean_cos(
        mnist, "mnist/mlp", "mnist/mlp", state_a="trained", state_b="trained", convention="centred", **PLACE
    )
    heat = agreement.heat_maps(mnist).table.query(
        "state == 'trained' and convention == 'centred' and one == 'MLP' and two == 'MLP'"
    )
    assert heat["mean"].to_numpy() == pytest.approx([expected], abs=1e-6)


def test_a_curve_along_training_starts_and_ends_where_the_table_does(mnist):
    table = along.to_final(mnist).table.query("label == 'MLP' and convention == 'centred'").sort_values("step")
    runs = mnist.study.runs
    mlp = runs.loc[runs["cell"] == "mnist/mlp", "run"]
    rows = mnist.study.trajectory
    rows = rows[
        rows["run"].isin(mlp)
        & (rows["convention"] == "centred")
        & (rows["split"] == "train")
        & (rows["layer"] == "penultimate")
    ]
    for step, shown in ((0, table.iloc[0]), (rows["step"].max(), table.iloc[-1])):
        assert shown["mean"] == pytest.approx(rows.loc[rows["step"] == step, "angle"].mean(), rel=1e-5)
        assert shown["lo"] <= shown["mean"] <= shown["hi"]
    assert along.to_final(mnist, target="own").table.sort_values("step").groupby("label")["mean"].last().max() < 0.1


def test_the_table_of_falls_says_what_the_answers_say(mnist):
    table = along.falls_table(mnist).set_index(["convention", "network"])
    for fall in mnist.judging.falls("mnist", "centred"):
        row = table.loc[("centred", mnist.architectures[fall.architecture])]
        assert row["from 60 or more to 30 or less?"] == fall.answer
        assert row["start (degrees)"].startswith(f"{fall.start.estimate:.0f} [")


def test_together_shows_different_architectures_only(digits):
    rows, runs = digits.study.alongside, digits.study.runs.set_index("run")
    primary = runs[runs["role"] == "primary"]
    rows = rows[rows["run_a"].isin(primary.index) & rows["run_b"].isin(primary.index)]
    ends = [rows[f"run_{end}"].map(primary["cell"]) for end in "ab"]
    kinds = [rows[f"run_{end}"].map(primary["objective"]) for end in "ab"]
    chosen = (ends[0] != ends[1]) & (kinds[0] == "classification") & (kinds[1] == "classification")
    rows = rows[chosen & (rows["convention"] == "centred") & (rows["share"] == 1)]
    table = along.together(digits).table.query(
        "relation == 'two classifiers' and convention == 'centred' and share == 1"
    )
    assert table["mean"].to_numpy() == pytest.approx([rows["cos"].mean()], rel=1e-4)


def test_the_mean_direction_s_share_and_the_forced_agreement_are_those_of_the_identity(mnist):
    table = controls.mean_direction(mnist).table
    assert (table["cos"] >= table["mean_direction"] - 0.05).all()
    forced = mean_away.forced(mnist).table
    assert (forced["cos"] >= forced["least"] - 1e-3).all(), "nothing can agree less than its mean forces it to"


def test_what_goes_with_a_p_vector_comes_from_the_tables(mnist):
    rows = mnist.of_runs(
        mnist.study.correlates, layer="penultimate", convention="centred", state="trained", variable="brightness"
    )
    expected = rows[rows["cell"] == "mnist/conv_ae"]["value"].mean()
    table = families.goes_with(mnist).table
    found = table.query("state == 'trained' and label == 'conv. autoencoder' and variable == 'brightness'")["mean"]
    assert found.to_numpy() == pytest.approx([expected], rel=1e-5)


def test_what_training_does_is_the_difference_that_was_judged():
    summary = Chapter(3, studies="digits,quick", results_dir=RESULTS, fresh_dir="nowhere").summary
    table = agreement.training_effect(summary).table
    assert (table["difference"] - (table["mean"] - table["untrained"])).abs().max() < 1e-9
    assert (table["difference_lo"] <= table["difference"]).all() and set(table["data"]) == {
        "MNIST",
        "CIFAR-10",
        "CIFAR-100",
    }
    assert len(answers.all_pairs(summary).table) == 2 * 2 * (10 + 15 + 15)


def test_networks_trained_on_other_data_stand_beside_those_trained_on_the_images(mnist):
    """Planted: seeds trained on the images agree at their own cosines, guests at 0.1."""
    runs = mnist.study.runs
    mlp = runs.loc[runs["cell"] == "mnist/mlp", "run"]
    guests = runs.loc[runs["cell"] == "cifar10/mlp", "run"]
    rows = [{"run_a": a, "run_b": b, "state": state, "anchor": "mnist", "layer": "penultimate", "convention": c, "cos": 0.1, "c_a": 0.5, "c_b": 0.5}
            for a in mlp for b in guests for state in ("trained", "untrained") for c in ("uncentred", "centred")]  # fmt: skip
    figure = agreement.other_training_data(changed(mnist, across=pd.DataFrame(rows)))
    table = figure.table.set_index(["convention", "kind"])["mean"]
    assert table["centred", "trained on the other data set"] == pytest.approx(0.1)
    expected = mean_cos(
        mnist, "mnist/mlp", "mnist/mlp", state_a="trained", state_b="trained", convention="centred", **PLACE
    )
    assert table["centred", "trained on these images' set"] == pytest.approx(expected)
    assert isinstance(agreement.other_training_data(mnist), Missing)


def test_twins_stand_beside_the_networks_that_differ_by_their_mean_alone():
    view = view_of(tables.load("trained", RESULTS), "mnist")
    figure = mean_away.twins(view)
    assert isinstance(figure, BookFigure)
    table = figure.table.query("convention == 'uncentred' and pair == 'MLP × conv. autoencoder'").set_index("kind")[
        "mean"
    ]
    for kind, cell in (("as it is", "mnist/mlp"), ("mean subtracted", "mnist/mlp_centred")):
        expected = mean_cos(
            view, cell, "mnist/conv_ae", state_a="trained", state_b="trained", convention="uncentred", **PLACE
        )
        assert table[kind] == pytest.approx(expected, abs=1e-6)
    assert isinstance(mean_away.twins(None), Missing)
    assert mean_away.twin_pairs(view_of(tables.load("quick", RESULTS), "mnist")).empty


def test_uncalibrated_networks_stand_beside_calibrated_ones(digits):
    table = controls.layers(digits).table.query("layer == 'penultimate' and convention == 'centred'").set_index("kind")
    calibrated, raw = table.loc["untrained, untrained"], table.loc[controls.UNCALIBRATED]
    assert raw["pairs"] == calibrated["pairs"] > 0, "the same networks, once calibrated and once not"
    assert raw["median"] != calibrated["median"]


def test_accuracies_stand_beside_accepted_ones_with_their_source(mnist):
    table = training.reached([mnist], accepted_accuracies()).set_index("network")
    assert table.loc["LeNet", "accepted (%)"] == "99.05" and "1998" in table.loc["LeNet", "source"]
    score = mnist.runs[mnist.runs["cell"] == "mnist/lenet"]["score"].mean()
    assert table.loc["LeNet", "reached (%)"] == f"{100 * score:.1f}"
    assert training.compute([mnist.study])["runs"].tolist() == ["124 of 124"]
    assert list(training.recipes(mnist)["seeds"]) == list(mnist.cells["seeds"])


def test_the_same_figure_is_the_same_bytes(mnist):
    assert drawn(agreement.heat_maps(mnist)) == drawn(agreement.heat_maps(mnist))


def test_two_figures_on_a_page_share_no_id(mnist):
    ids = [set(re.findall(r'\bid="([^"]+)"', drawn(agreement.heat_maps(mnist), name))) for name in ("one", "two")]
    assert ids[0] and not ids[0] & ids[1]


def test_every_reference_inside_a_figure_has_its_target(mnist):
    picture = drawn(along.to_final(mnist), "fig")
    wanted = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', picture))
    assert {a or b for a, b in wanted} <= set(re.findall(r'\bid="([^"]+)"', picture))


def test_no_ink_is_left_that_only_suits_a_light_page(mnist):
    picture = drawn(controls.mean_direction(mnist))
    assert style.INK not in picture and "#000000" not in picture


def test_numbers_on_an_axis_are_not_rounded_with_the_coordinates():
    fig, ((ax,),) = style.figure()
    ax.set(xlim=(0, 1), xticks=[0.125, 0.625])
    picture = style.svg(fig, name="ticks", alt="x")
    assert ">0.125<" in picture and ">0.625<" in picture
    assert not re.search(r"<[^>]*\d\.\d{3}", picture)


def test_lines_of_all_architectures_look_different():
    looks = view_of(tables.load("trained", RESULTS), "mnist").looks
    assert len(looks) == 8 == len(set(looks.values()))


def test_pairs_with_a_variational_autoencoder_are_told_apart():
    table = controls.mean_direction(view_of(tables.load("trained", RESULTS), "cifar10")).table
    assert (table["variational"] == table["pair"].str.contains("variational")).all() and table["variational"].any()


def test_a_figure_alone_has_ink_of_its_own(mnist):
    assert "currentColor" not in style.svg(along.to_final(mnist).figure, name="alone", alt="x", ink="#777777")


def test_drawing_leaves_the_settings_of_matplotlib_alone(mnist):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    agreement.intervals(mnist)
    assert dict(mpl.rcParams) == before


def test_a_vector_of_other_samples_is_refused_with_both_numbers(mnist):
    with pytest.raises(ValueError, match="7 entries, the published ones 2000"):
        against_published.neighbours(mnist, np.ones(7), convention="centred")


def test_a_published_vector_finds_itself_and_may_be_left_out(mnist):
    run = mnist.runs.index[0]
    own = mnist.study.vectors(run)["trained/train/penultimate/centred"][0]
    assert against_published.neighbours(mnist, own, convention="centred")["cos"].max() == pytest.approx(1.0)
    left = against_published.neighbours(mnist, own, convention="centred", leave_out=run)
    assert len(left) == len(against_published.neighbours(mnist, own, convention="centred")) - 1
    assert isinstance(against_published.cosines_with(mnist, {"centred": own}, name="mine"), BookFigure)


def test_the_slider_turns_the_uncentred_vector_and_not_the_centred_one():
    from pvlib.measure import p_vector

    cloud = np.random.default_rng(0).normal(size=(20, 2))
    cloud -= cloud.mean(axis=0)
    moved = [cloud + offset for offset in (0.0, 50.0)]
    figure = interactive.offset_slider(
        moved,
        uncentred=[p_vector(points, center=False).vector for points in moved],
        centred=[p_vector(points, center=True).vector for points in moved],
        offsets=(0, 50),
    )
    assert "goes from 0.00 to 1.000" in figure.caption and "below 10⁻¹²" in figure.caption
    page, _ = figure.figure.pages("slider", figure.alt)
    assert 'id="slider"' in page and "https://" not in page.split("<script", 1)[0] and "cdn" not in page


def test_portraits_name_the_classes_at_the_ends():
    rng = np.random.default_rng(1)
    classes = np.repeat(np.arange(4), 10)
    figure = portrait.ends(rng.random((40, 8, 8)), {"v": (classes - 1.5) / 10}, classes, count=5)
    assert "'0' at one end, '3' at the other" in figure.caption
    assert isinstance(portrait.brightness(rng.random(40), {"v": rng.normal(size=40)}), BookFigure)
    assert "2.00 to 1 for m" in portrait.spectrum({"m": np.array([2.0, 1.0])}).caption


def test_the_frozen_ledger_is_shown_with_its_numbers():
    ledger = pd.read_csv(RESULTS / "version-1.csv")
    shown = version_1.table(ledger).myst
    row = ledger[(ledger["claim"] == 1) & (ledger["dataset"] == "mnist") & (ledger["convention"] == "centred")].iloc[0]
    assert f"fails: {row['estimate']:.3f} [{row['lo']:.3f}, {row['hi']:.3f}]; control {row['control']:.3f}" in shown
    for claim in (1, 2, 3):
        assert len(version_1.overview(ledger, claim).table) == 8
    assert isinstance(version_1.overview(ledger.iloc[:0], 1), Missing)


class TestChapter:
    @pytest.fixture
    def book(self, tmp_path):
        return Chapter(
            3, studies="quick,paper", results_dir=RESULTS, fresh_dir=tmp_path, tables_dir=tmp_path / "tables"
        )

    def test_what_is_not_published_is_said(self, book):
        assert "Not published yet: paper" in book.shown().myst

    def test_without_any_study_the_page_still_says_something(self, tmp_path):
        book = Chapter(3, studies="digits", results_dir=tmp_path, fresh_dir=tmp_path, tables_dir=tmp_path)
        assert "No study is published yet" in book.shown().myst
        assert book.per_dataset("pairs", agreement.heat_maps).myst == ""
        assert not book.whole

    def test_a_study_that_must_be_there_is_named(self, tmp_path):
        book = Chapter(3, studies="digits", results_dir=tmp_path, fresh_dir=tmp_path)
        with pytest.raises(FileNotFoundError, match="'digits' is not published"):
            book.view("digits")

    def test_a_figure_links_its_table_its_command_and_its_commit(self, book, tmp_path):
        shown = book.per_dataset("pairs", agreement.heat_maps)
        assert "{download}`Table (CSV) <../_generated/tables/03-pairs-quick-mnist.csv>`" in shown.myst
        note = book.published[0].provenance
        assert f"`{note['command']}`" in shown.myst and note["commit"] in shown.myst
        assert len(pd.read_csv(tmp_path / "tables/03-pairs-quick-mnist.csv")) > 3

    def test_tables_beside_the_pages_are_the_same_bytes_twice(self, book, tmp_path):
        contents = []
        for _ in range(2):
            book.per_dataset("pairs", agreement.heat_maps)
            contents.append((tmp_path / "tables/03-pairs-quick-mnist.csv").read_bytes())
        assert contents[0] == contents[1] and b"\r" not in contents[0]

    def test_figures_count_on(self, book):
        assert "Figure 3.1, MNIST." in book.per_dataset("one", agreement.heat_maps).myst
        assert "Figure 3.2, MNIST." in book.per_dataset("two", stability.over_samples).myst

    def test_a_missing_figure_is_said_in_words(self, book):
        shown = book.per_dataset("none", lambda view: Missing("it was never run"), views=book.views[:1])
        assert shown.myst.strip() == "*Figure 3.1 is not shown for MNIST (it was never run).*"

    def test_each_data_set_is_shown_once_by_the_study_that_answers_for_it(self, tmp_path):
        book = Chapter(3, studies="trained,quick", results_dir=RESULTS, fresh_dir=tmp_path, tables_dir=tmp_path)
        assert [view.dataset for view in book.views] == ["mnist", "cifar10", "cifar100"]
        for view in book.views:
            assert view.judging is book.summary.of(view.dataset)
        assert {view.study.name for view in book.every_view} == {"trained", "quick"} and book.whole


@pytest.mark.parametrize("form", ["rows", "lines", "scatter", "heat"])
def test_a_form_still_looks_as_it_did(form, tmp_path):
    """Against a picture that was looked at; loose, because fonts are drawn differently from machine to machine."""
    from matplotlib.testing.compare import compare_images

    from .baseline import draw, picture

    draw(form, tmp_path / "now.png")
    expected = tmp_path / "expected.png"
    expected.write_bytes(picture(form).read_bytes())
    assert compare_images(expected, tmp_path / "now.png", tol=12) is None


def test_a_simulation_is_drawn_as_it_came_out():
    table = pd.DataFrame(
        {"convention": ["uncentred", "centred"] * 2, "networks": "x", "mean": [0, 0, 1, 1], "cos": [0.1, 0.1, 0.9, 0.1]}
    )
    assert simulation.agreement_by_mean(table).table.equals(table)
