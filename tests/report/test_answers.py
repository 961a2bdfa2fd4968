"""Version 2 of the claims: intervals over seeds, the two answers, "usually", the link, and what the file refuses."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from pvlib.checkout import checkout
from pvlib.report.answers import agreement as agreements
from pvlib.report.answers import convergence, link
from pvlib.report.answers.agreement import Level, Networks, agreement, mean_over_pairs, relations
from pvlib.report.answers.file import load_claims, load_floors
from pvlib.report.answers.intervention import intervention
from pvlib.report.answers.judging import Judging
from pvlib.report.statistics import Interval
from pvlib.report.tables import load

LEVEL = Level(0.95, 5)
FAMILIES = {"classifier": ["cnn", "mlp"], "autoencoder": ["ae"], "contrastive": ["simclr"]}


def networks(means: dict, spread: float, rng, seeds=5) -> Networks:
    """|cos| of pair (a, b) = its mean + an effect of each of the two seeds: what a jackknife over seeds must find."""
    names = sorted({name for pair in means for name in pair})
    members = {name: np.arange(seeds) + seeds * number for number, name in enumerate(names)}
    effect = rng.normal(scale=spread, size=seeds * len(names))
    cos = np.full((len(effect),) * 2, np.nan)
    for one, two in itertools.product(names, repeat=2):
        mean = means.get((one, two), means.get((two, one), 0.5))
        cos[np.ix_(members[one], members[two])] = mean + effect[members[one]][:, None] + effect[members[two]][None, :]
    return Networks(cos, members)


def test_intervals_of_a_mean_over_pairs_and_of_a_difference_hold_the_truth_as_often_as_they_say():
    rng, pairs = np.random.default_rng(1), [("a", "b"), ("a", "c"), ("b", "c")]
    hits, hits_difference, tries = 0, 0, 300
    for _ in range(tries):
        trained = networks(dict.fromkeys(pairs, 0.6), 0.03, rng)
        untrained = networks(dict.fromkeys(pairs, 0.5), 0.03, rng)
        found = mean_over_pairs([(trained, 1.0)], pairs, LEVEL)
        hits += found.lo <= 0.6 <= found.hi
        found = mean_over_pairs([(trained, 1.0), (untrained, -1.0)], pairs, LEVEL)
        hits_difference += found.lo <= 0.1 <= found.hi
    assert hits / tries >= 0.93
    assert hits_difference / tries >= 0.93


def test_what_seeds_share_before_and_after_training_leaves_their_difference():
    rng, pair = np.random.default_rng(2), ("a", "b")
    trained = networks({pair: 0.6}, 0.1, rng)
    untrained = Networks(trained.cos - 0.2, trained.members)
    found = mean_over_pairs([(trained, 1.0), (untrained, -1.0)], [pair], LEVEL)
    assert (found.lo, found.hi) == pytest.approx((0.2, 0.2))


def test_too_few_seeds_give_a_point_and_no_interval():
    one = networks({("a", "b"): 0.7}, 0.05, np.random.default_rng(0), seeds=4)
    assert not mean_over_pairs([(one, 1.0)], [("a", "b")], LEVEL).known


@pytest.mark.parametrize(
    ("trained", "untrained", "agree", "due"),
    [(0.98, 0.5, "yes", "yes"), (0.98, 0.98, "yes", "no"), (0.98, 0.999, "yes", "no"), (0.5, 0.6, "no", "no"),
     (0.5, 0.1, "no", "yes")],
)  # fmt: skip
def test_the_two_answers_are_those_that_were_planted(trained, untrained, agree, due):
    rng, pairs = np.random.default_rng(3), [("a", "b"), ("a", "c"), ("b", "c")]
    states = [networks(dict.fromkeys(pairs, mean), 0.002, rng) for mean in (trained, untrained)]
    found = agreement(*states, pairs, at_least=0.9, margin=0.05, level=LEVEL)
    assert (found.agree, found.due_to_training) == (agree, due)


def test_one_pair_below_the_threshold_is_enough_for_no_and_leaving_it_out_is_told():
    rng, pairs = np.random.default_rng(4), [("a", "b"), ("a", "c"), ("b", "c")]
    trained = networks({("a", "b"): 0.98, ("a", "c"): 0.6, ("b", "c"): 0.97}, 0.002, rng)
    found = agreement(trained, trained, pairs, at_least=0.9, margin=0.05, level=LEVEL)
    assert found.agree == "no" and found.where == ("a", "c")
    assert found.without["a"] > 0.9 and found.without["c"] > 0.9 and found.without["b"] < 0.7


def test_an_interval_that_holds_the_threshold_leaves_it_open():
    trained = networks({("a", "b"): 0.9}, 0.01, np.random.default_rng(5))
    found = agreement(trained, trained, [("a", "b")], at_least=0.9, margin=0.05, level=LEVEL)
    assert found.agree == "open"


def test_sets_of_pairs_hold_each_pair_once_and_no_architecture_with_itself():
    sets = ["all", "classifier-classifier", "classifier-autoencoder", "contrastive-classifier"]
    found = relations(sets, FAMILIES, ["cnn", "mlp", "ae", "simclr", "stranger"])
    assert len(found["all"]) == 6
    assert found["classifier-classifier"] == [("cnn", "mlp")]
    assert found["classifier-autoencoder"] == [("ae", "cnn"), ("ae", "mlp")]
    assert found["contrastive-classifier"] == [("cnn", "simclr"), ("mlp", "simclr")]


@pytest.mark.parametrize(
    ("all_pairs", "due", "within", "words"),
    [("yes", "yes", ("yes", "yes"), "agree, due to training"), ("yes", "no", ("yes", "yes"), "agree, as much without training"),
     ("yes", "open", ("yes", "yes"), "open"), ("no", "yes", ("yes", "yes"), "agree within families only"),
     ("no", "no", ("yes", "open"), "do not agree"), ("open", "yes", ("yes", "yes"), "open")],
)  # fmt: skip
def test_answers_in_words(all_pairs, due, within, words):
    def answer(agree, due="yes"):
        empty = Interval(math.nan)
        return agreements.Agreement((), empty, empty, empty, empty, ("a", "b"), math.nan, {}, agree, due)

    given = {"all": answer(all_pairs, due), "one": answer(within[0]), "two": answer(within[1])}
    assert agreements.in_words(given, "all", ("one", "two")) == words


def trajectory(starts, ends, seeds=5, rng=None):
    rng = rng or np.random.default_rng(0)
    rows = [
        {"run": f"r{i}", "target_run": f"r{j}", "step": step, "angle": angle + rng.normal(), "c_product": 0.5}
        for i, j in itertools.permutations(range(seeds), 2)
        for step, angle in ((0, starts), (100, ends))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("start", "end", "answer"), [(75, 10, "yes"), (45, 10, "no"), (75, 50, "no"), (60, 10, "open")]
)
def test_a_fall_is_judged_at_both_ends(start, end, answer):
    found = convergence.fall_to_another_seed(
        "mlp", trajectory(start, end), start_at_least=60, end_at_most=30, confidence=0.95, minimum=5
    )
    assert found.answer == answer
    assert found.baseline_start == pytest.approx(60)


@pytest.mark.parametrize(
    ("answers", "usually"), [("yyn", "yes"), ("ynn", "no"), ("yno", "open"), ("yn", "no"), ("yoo", "open")]
)
def test_usually_is_more_than_half_and_open_ones_count_for_neither_side(answers, usually):
    names = {"y": "yes", "n": "no", "o": "open"}
    falls = [convergence.Fall("x", Interval(0), Interval(0), 0, 0, names[letter]) for letter in answers]
    found = convergence.usually(falls, 0.5)
    assert (found.answer, found.n) == (usually, len(answers))


def test_a_link_says_its_direction_and_no_link_says_how_large_one_may_still_be():
    options = {"degrees_of_freedom": 30, "tests": 6, "confidence": 0.95, "power": 0.8}
    linked = link.judge(Interval(-0.4, -0.6, -0.2), Interval(0), 0.01, {"norm": Interval(0.8, 0.7, 0.9)}, **options)
    assert linked.answer == link.BETTER and linked.better_rivals == ("norm",)
    none = link.judge(Interval(0.1, -0.1, 0.3), Interval(0), 0.4, {"norm": Interval(0.2, 0.0, 0.4)}, **options)
    assert none.answer == link.NONE and none.bound == pytest.approx(0.3) and none.better_rivals == ()
    assert (
        0.3 < none.detectable < 0.5
    )  # the half-width is 0.2: more than two of its standard errors, shared by six tests


def test_the_claims_of_the_project_are_read_and_every_kind_is_there():
    claims = load_claims()
    assert claims.agreement.threshold.at_least == 0.9
    assert claims.convergence.threshold.usually_more_than == 0.5
    assert claims.link.power == 0.8


@pytest.fixture(scope="module")
def judging():
    return Judging(load("quick"), load_claims(), load_floors(load_claims())["quick"])


def test_on_published_networks_the_smallest_pair_is_that_of_version_1(judging):
    first = pd.read_csv(checkout() / "results/version-1.csv")
    first = first[(first["claim"] == 1) & (first["study"] == "quick")].set_index(["dataset", "convention"])["estimate"]
    second = judging.claim_1
    second = second[(second["set"] == "all") & second["variational"]]
    assert len(second) == len(first) > 0
    for _, row in second.iterrows():
        assert row["smallest"] == pytest.approx(first[row["dataset"], row["convention"]], abs=1e-5)


def test_a_pair_cannot_agree_better_than_its_ceiling_by_much(judging):
    pairs = judging.pairs("mnist", "centred")
    assert len(pairs) == 10 and pairs["ceiling"].between(0, 1).all()
    assert (pairs["mean"] <= pairs["ceiling"] + 0.05).all()
    own = judging.self_agreement("mnist", "centred")
    row = pairs[pairs["pair"] == ("lenet", "mlp")].iloc[0]
    assert row["ceiling"] == pytest.approx((own["lenet"].estimate * own["mlp"].estimate) ** 0.5)


def test_on_published_networks_architectures_are_counted_once_in_their_family_and_once_in_all(judging):
    rows = judging.claim_2
    for _, part in rows.groupby(["dataset", "convention", "target"]):
        counts = part.set_index("family")[["yes", "no", "n"]]
        assert (counts.loc["all"] == counts.drop(index="all").sum()).all()


def test_twins_are_compared_with_the_networks_that_they_differ_from_by_their_mean_alone(judging):
    """Planted: plain networks share a direction, twins do not; the fall is the difference."""
    rng = np.random.default_rng(6)
    cells = [(name, twin) for name in ("mlp", "lenet") for twin in ("", "_centred")]
    runs = pd.DataFrame(
        [{"run": f"{name}{twin}{seed}", "architecture": name + twin, "dataset": "mnist", "role": "primary", "cell": name + twin,
          "status": "done", "score": 0.99, "test_accuracy": 0.99} for name, twin in cells for seed in range(5)]
    )  # fmt: skip
    twin_of = runs.set_index("run")["architecture"].str.endswith("_centred")
    rows = [
        {"run_a": a, "run_b": b, "state_a": state, "state_b": state, "layer": "penultimate", "split": "train",
         "convention": convention, "cos": (0.3 if twin_of[a] or twin_of[b] else 0.98) + rng.normal(scale=0.005)}
        for a, b in itertools.combinations(runs["run"], 2) for state in ("trained", "untrained")
        for convention in ("uncentred", "centred")
    ]  # fmt: skip

    class Fake:
        name = "planted"

    fake = Fake()
    fake.runs, fake.pairs = runs, pd.DataFrame(rows)
    found = Judging(fake, judging.claims, dict.fromkeys(runs["cell"], 0.5))
    found = intervention(found)
    row = found[(found["convention"] == "uncentred") & (found["state"] == "trained")].iloc[0]
    assert row["equal"] and row["kind"] == "centred"
    assert row["plain"] == pytest.approx(0.98, abs=0.01) and row["twins"] == pytest.approx(0.3, abs=0.01)
    assert row["fall_lo"] > judging.claims.intervention.least_fall
    fake.runs = runs.assign(test_accuracy=np.where(runs["run"].map(twin_of), 0.98, 0.99))
    worse = intervention(Judging(fake, judging.claims, dict.fromkeys(runs["cell"], 0.5)))
    assert not worse["equal"].any()
