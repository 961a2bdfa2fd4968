"""The page "Try your own features": its modules in Node.js, and the built page in a real browser, against the library."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pvlib import cosine, p_vector, place
from pvlib.experiment.data import anchor, load
from pvlib.measure import linear_cka
from pvlib.report import tables
from pvlib.study.matrices import read_matrix
from pvlib.study.measure_report import measured
from scripts import javascript
from scripts.check_pages import problems

from ..study.bad_files import BAD
from . import built_page
from .built_page import ROOT, SCRIPTS, built, driven
from .try_cases import exact, relu, write_cases

pytestmark = pytest.mark.timeout(900)  # the first test waits for the book's page and for all that the browser does
KINDS = ("uncentred", "centred")
PLACED = 1e-3  # of cosines with published vectors, which are rounded for the page
LARGE = 2700, 1500, 1500  # samples and features: just so many that linear CKA is shared among helpers
# What the page says in other words than the library: it chooses arrays by mouse, and asks for no more memory than a tab has.
OWN_WORDS = {"two.npz", "really_pt.npz", "bomb.npz", "lying_member.npz"}


@pytest.fixture(scope="module")
def node() -> str:
    return built_page.node()


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    write_cases(folder)
    return folder


@pytest.fixture(scope="module")
def expected(cases) -> dict[str, dict]:
    return json.loads((cases / "expected.json").read_text())


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bad")
    before = os.getcwd()
    os.chdir(folder)  # what is made may name itself without a folder
    try:
        for name, (make, _) in BAD.items():
            if Path(name).suffix in (".npy", ".npz", ".csv") and name.isprintable() and len(name) < 100:
                make(Path(name))
    finally:
        os.chdir(before)
    made = (folder / name for name in BAD)
    return sorted(path for path in made if path.name in os.listdir(folder) and path.is_file() and not path.is_symlink())


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The page as the book has it, with stubs for the pages that it links to."""
    linked = ("index", "use", "explore", "notebooks/01_p_vector", "notebooks/08_controls")
    return built(tmp_path_factory.mktemp("site"), "try", linked, PVLIB_RESULTS=str(ROOT / "results"))


@pytest.fixture(scope="module")
def placeable(tmp_path_factory) -> dict[str, Path]:
    """Features of the anchor of the digits, the same in another order, and of what two networks make of MNIST's anchor."""
    folder = tmp_path_factory.mktemp("placeable")
    rng = np.random.default_rng(0)
    data = load("digits")
    images = data.train.images[anchor(data).train_ids].flatten(1).numpy() / 255
    digits = np.maximum(images @ rng.standard_normal((images.shape[1], 48)), 0)
    study = tables.load("trained", ROOT / "results")
    runs = study.runs[(study.runs["dataset"] == "mnist") & study.runs["label"].isin(["LeNet", "conv. autoencoder"])]
    runs = runs.drop_duplicates("label")["run"]
    known = [study.vectors(run)[f"trained/train/penultimate/{kind}"][0] for run in runs for kind in KINDS]
    mnist = np.stack(known, 1) @ np.abs(rng.standard_normal((len(known), 30)))
    paths = {name: folder / f"{name}.npy" for name in ("digits", "shuffled", "mnist")}
    for path, features in zip(paths.values(), (digits, rng.permutation(digits), mnist), strict=True):
        np.save(path, features)
    return paths


@pytest.fixture(scope="module")
def seen(node, site, cases, expected, bad_files, placeable, tmp_path_factory) -> Scenes:
    """Everything that the browser saw (tests/js/drive.js), opened from the disk as a reader without a server would."""
    folder = tmp_path_factory.mktemp("drive")
    rng = np.random.default_rng(0)
    large = [folder / f"large{i}.npy" for i in (0, 1)]
    for path, matrix in zip(large, relu(rng, *LARGE), strict=True):
        np.save(path, matrix)
    a, b = relu(rng, 30, 5, 4)
    np.save(folder / "one.npy", a)
    np.savez(folder / "two.npz", one=b, other=b + 1)
    (folder / "kinds.csv").write_text("kind\n" + "cat\ndog\nbird\n" * 10)
    (folder / "short.csv").write_text("cat\ndog\n")
    np.save(folder / "few.npy", a[:12])
    plan = {
        "page": (site / "try.html").as_uri(),
        "cases": {name: [str(cases / file) for file in one["files"]] for name, one in expected.items()},
        "bad": [
            [str(path)] for path in bad_files if path.name in ("object.npy", "nan.npz", "cut.npz", "two_arrays.npy")
        ]
        + [[str(folder / "one.npy"), str(folder / "few.npy")]],
        "large": [str(path) for path in large],
        "several": [str(folder / "one.npy"), str(folder / "two.npz")],
        "labels": str(folder / "kinds.csv"),
        "wrongLabels": str(folder / "short.csv"),
        "place": {name: str(path) for name, path in placeable.items()},
        "pictures": os.environ.get("TRY_PICTURES"),
    }
    return Scenes(driven("drive.js", plan, folder, timeout=600))


class Scenes(dict):
    """What was seen, by the name of the scene; one that failed fails the tests that ask for it, and no others."""

    def __getitem__(self, name: str):
        found = super().__getitem__(name)
        if isinstance(found, dict) and "failed" in found:
            pytest.fail(f"{name}: {found['failed']}")
        return found


def test_modules_in_node(node, cases):
    """Readers, linear algebra, permutations, and every case against the library's numbers: node's own test runner."""
    files = sorted(map(str, SCRIPTS.glob("*.test.js")))
    environment = {**os.environ, "TRY_CASES": str(cases)}
    done = subprocess.run([node, "--test", *files], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# skipped 0" in done.stdout or "ℹ skipped 0" in done.stdout


def test_bad_files_get_the_words_of_the_library(node, bad_files):
    said = json.loads(
        subprocess.run([node, SCRIPTS / "say.js", *bad_files], capture_output=True, text=True, check=True).stdout
    )
    assert len(said) > 80
    assert [name for name, text in said.items() if text is None] == []
    differing = {}
    for path in bad_files:
        with warnings.catch_warnings(), pytest.raises((ValueError, MemoryError)) as error:
            warnings.simplefilter("ignore")
            measured(path.name, read_matrix(path))
        words = str(error.value).replace(f"{path.parent}/", "")
        if path.name not in OWN_WORDS and plain(words) != plain(said[path.name]):
            differing[path.name] = (words, said[path.name])
    assert differing == {}


def plain(text: str) -> str:
    """Without what the underlying library adds in brackets, and with one way to name the matrix."""
    return re.sub(
        r" \((?!shape|samples).*\)$", "", text.replace(": features is ", " is ").replace(": features has ", " has ")
    )


def test_lint_says_aloud_that_nothing_was_checked_where_node_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(javascript.shutil, "which", lambda _: None)
    assert javascript.main() == 0
    assert "JavaScript is NOT type-checked: node and npm are not installed" in capsys.readouterr().err


def test_the_bundle_refuses_what_it_does_not_understand(tmp_path):
    spec = importlib.util.spec_from_file_location("try_page", ROOT / "book/_ext/try_page.py")
    extension = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extension)
    (tmp_path / "one.js").write_text('import { two as three } from "./two.js";\nexport const four = three;\n')
    (tmp_path / "two.js").write_text("export function two() {}\n")
    text = extension.bundle(tmp_path, "one")
    assert text.index("modules.two =") < text.index("modules.one =")
    assert "const { two: three } = modules.two;" in text
    (tmp_path / "two.js").write_text('import everything from "elsewhere";\nexport default 3;\n')
    with pytest.raises(ValueError, match=r"two\.js"):
        extension.bundle(tmp_path, "one")


def test_the_built_page_asks_no_other_host_and_its_links_hold(site):
    ours = [problem for problem in problems(site) if problem.startswith("try.html") and "mathjax" not in problem]
    assert ours == []


@pytest.mark.parametrize(
    ("module", "constant", "said"),
    [
        ("cka", "MOST_SAMPLES", "Above {:,} samples"),
        ("cka", "MOST_DIRECTIONS", "or {:,} directions"),
        ("pvector", "NARROW", "more than {} samples and more than {} features"),
        ("calibrate", "PERMUTATIONS", "in random order {} times"),
        ("read", "LARGEST", "A file may have {} MiB here"),
    ],
)
def test_the_limits_that_the_page_names_are_those_of_its_code(module, constant, said):
    code = (ROOT / f"book/_try/{module}.js").read_text()
    number = int(re.search(rf"const {constant} = (\d+)", code)[1])
    assert said.format(number, number) in (ROOT / "book/try.md").read_text()


def test_example_files_are_small_and_of_the_same_samples():
    files = sorted((ROOT / "book/_try/examples").glob("*.npy"))
    matrices = [np.load(path) for path in files]
    assert len(files) == 3
    assert {len(matrix) for matrix in matrices} == {
        len((ROOT / "book/_try/examples/digit.csv").read_text().split()) - 1
    }
    assert all(path.stat().st_size <= 150_000 for path in files)


def test_p_vectors_of_the_page_are_those_of_the_library(seen, expected):
    for name, wanted in expected.items():
        for file, right in zip(seen["cases"][name]["files"], wanted["vectors"], strict=True):
            for kind in KINDS:
                found = file["vectors"][kind]
                assert found["defined"] == right[kind]["defined"]
                if found["defined"]:
                    u, v = np.array(found["vector"]), np.array(right[kind]["vector"])
                    assert 1 - abs(u @ v) <= 1e-10
                    assert np.abs(u - v).max() <= 1e-10, (name, kind)
                    assert found["singular_values"][0] == pytest.approx(right[kind]["first"], rel=1e-10)


def test_every_other_number_of_the_page_is_the_librarys(seen, expected):
    for name, wanted in expected.items():
        files, (pair,) = seen["cases"][name]["files"], seen["cases"][name]["pairs"]
        for kind, found, right in zip(KINDS, pair["rows"], wanted["rows"], strict=False):
            if all(file["vectors"][kind]["defined"] for file in files):
                same_row(found, right)
        same_row(pair["rows"][2], wanted["rows"][2])
        for key, value in wanted["mean"].items():
            if all(file["vectors"]["uncentred"]["defined"] for file in files):
                assert pair["mean"]["uncentred"][key] == pytest.approx(value, abs=1e-6)


def same_row(found: dict, right: dict) -> None:
    assert found["measure"] == right["measure"]
    for key in ("estimate", "null", "null_95", "p", "calibrated", "mean_alone", "angle_deg"):
        assert found[key] == (right[key] if right[key] is None else pytest.approx(right[key], rel=1e-6, abs=1e-6)), (
            right,
            key,
        )
    for key in ("lo", "hi"):  # they contain the error bound, which float32 products make larger in the library
        assert found[key] == pytest.approx(right[key], abs=1e-5)


def test_the_page_warns_as_the_library_does(seen, expected):
    for name, wanted in expected.items():
        assert seen["cases"][name]["pairs"][0]["warnings"] == wanted["warnings"]
        shown = [line.rstrip(".").lower() for line in seen["cases"][name]["cautions"]]
        assert shown == [line.lower() for line in wanted["warnings"]]


def test_refusals_are_shown(seen):
    cut, nan, object_, two, different = seen["bad"]  # by name, then the pair
    assert "not a .npz file" in cut
    assert "nan at row 0, column 0" in nan
    assert "dtype object" in object_
    assert "holds more than the array" in two
    assert "different numbers of samples: one.npy has 30, few.npy has 12" in different


def test_the_keyboard_is_enough(seen):
    found = seen["keyboard"]
    assert found["table"] == 1
    assert found["pairs"] == 3
    assert found["lines"] == 201
    assert "half_precision_and_fortran_order_a (2).npy" in found["shown"]


def test_a_comparison_can_be_stopped_and_done_again(seen):
    found = seen["stopped"]
    assert (found["bar"], found["status"], found["result"]) == (True, "Stopped.", None)
    assert len(found["again"]) == 3


def test_large_matrices_are_compared_by_lanczos_and_helpers_to_the_same_numbers(seen):
    a, b = relu(np.random.default_rng(0), *LARGE)
    centred = cosine(exact(a, center=True), exact(b, center=True))
    assert seen["stopped"]["again"][1]["estimate"] == pytest.approx(centred, abs=1e-10)
    assert seen["stopped"]["again"][2]["estimate"] == pytest.approx(linear_cka(a, b, debiased=True), abs=1e-6)


def test_dropped_files_are_compared(seen):
    assert seen["dropped"] == [f"half_precision_and_fortran_order_{letter}.npy" for letter in "ab"]


def test_one_of_several_arrays_is_chosen_and_labels_colour(seen):
    found = seen["choices"]
    assert found["names"] == ["one.npy", "two.npz:other"]
    assert 'numpy.load("two.npz")["other"]' in found["python"]
    assert found["classes"] == 3
    assert "short.csv: it holds 2 labels for 30 samples" in found["refused"]


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_placed_as_the_command_places_it(seen, placeable, dataset, kind):
    vector = p_vector(np.load(placeable[dataset]), center=kind == "centred")
    wanted = place(vector, dataset, results=ROOT / "results")
    found = pd.DataFrame(seen["placed"][dataset][kind])
    key = ["study", "label", "seed", "state"]
    networks = wanted.table[wanted.table["state"] != "data"]
    networks = networks.assign(seed=[f"seed {seed}" for seed in networks["seed"]]).set_index(key)["cos"]
    placed = found[found["state"] != "data"].set_index(key)["cos"]
    assert sorted(placed.index) == sorted(networks.index)
    assert (placed - networks).abs().max() <= PLACED
    (pixels,) = found.loc[found["state"] == "data", "cos"]
    assert pixels == pytest.approx(wanted.to_frame()["data"].dropna().item(), abs=PLACED)


@pytest.mark.parametrize(("number", "kind"), list(enumerate(KINDS)))
def test_the_cards_say_what_the_command_says_of_families(seen, placeable, number, kind):
    wanted = place(p_vector(np.load(placeable["digits"]), center=kind == "centred"), "digits", results=ROOT / "results")
    lines = seen["placed"]["cards"][number].splitlines()
    shown = [
        [line, *map(float, lines[at + 1].split(" / "))]
        for at, line in enumerate(lines)
        if line in set(wanted.families().index)
    ]
    assert [line for line, *_ in shown] == list(wanted.families().index)
    means = np.array([values for _, *values in shown])
    np.testing.assert_allclose(means, wanted.families()[["trained", "untrained"]], atol=PLACED + 5e-4)
    assert f"with trained {wanted.families().index[0]}, the nearest family" in " ".join(lines)
    assert "untrained published networks agree with these at" in lines[-1]


def test_nothing_published_is_loaded_before_the_reader_asks_to_place_a_file(seen):
    assert [address.rsplit("/", 1)[1] for address in seen["placed"]["before"]] == ["index.js"]
    assert seen["placed"]["unchosen"] == "Choose the data set whose images the rows are."


def test_the_data_set_is_the_readers_choice(seen):
    assert seen["placed"]["sets"] == ["choose a data set", "MNIST", "CIFAR-10", "CIFAR-100"]


def test_images_at_both_ends_and_the_numbers_behind_the_pictures_are_there(seen, placeable):
    wanted = place(p_vector(np.load(placeable["digits"]), center=True), "digits", results=ROOT / "results")
    assert seen["placed"]["lines"] == 2 * len(wanted.to_frame())
    assert seen["placed"]["images"] == 40  # ten at each of four ends


def test_another_layer_is_placed_only_when_it_is_asked_for(seen):
    assert seen["placed"]["left"] is None
    assert 0 < len(seen["placed"]["output"]["centred"]) < len(seen["placed"]["digits"]["centred"])


def test_rows_in_another_order_are_hinted_at(seen):
    assert "Are these the images of this anchor, in its order?" in seen["placed"]["caution"]


def test_where_nothing_can_be_placed_the_page_says_what_to_do(seen):
    assert "pvlib anchor digits --to images.npy" in seen["unplaced"]["other"]
    assert "1,000 of Digits" in seen["unplaced"]["other"] and "2,000 of CIFAR-10" in seen["unplaced"]["other"]
    assert "are not stored with this page" in seen["unplaced"]["absent"]
    assert "pvlib place digits.npy" in seen["unplaced"]["absent"]


@pytest.mark.parametrize("look", ["light", "dark", "phone", "dark phone"])
def test_the_page_is_accessible(seen, look):
    found = seen["looks"][look]
    assert found["theme"] == ("dark" if "dark" in look else "light")
    assert found["axe"] == []
    assert found["pictures"] == 3
    assert found["tables"] >= 5
    assert found["width"] <= (390 if "phone" in look else 1280)


def test_nothing_is_asked_of_another_host_and_nothing_breaks(seen):
    assert seen["elsewhere"] == []
    assert seen["errors"] == []
