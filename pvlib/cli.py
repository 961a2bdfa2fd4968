"""The command line: `pvlib run | plan | status | publish | foreign | anchor | place | measure | compare`. Parses; the work is done elsewhere."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

from . import __version__
from .extras import EXTRAS, advice
from .one_line import one_line

RUN_HELP = """\
Train and measure the runs of a study that the store lacks. Interrupt it at any time (Ctrl-C, kill, power cut): at most
one epoch of one run is lost (a few seconds where epochs take less), and the same command goes on. Two processes on one
store share the work.

  pvlib run digits
  pvlib run quick --only 'mnist/*' --time-limit 540
  pvlib run quick --shard 1/2 &  pvlib run quick --shard 2/2
"""
MEASURE_HELP = """\
Spectrum, gap and P-vector bound of a matrix of features (#samples x #features), uncentred and centred.

  pvlib measure FEATURES.npy
  pvlib measure MODEL.npz:layer4 OTHER.csv --json       # one array of several; a file that fails does not stop the rest
  pvlib measure FEATURES.npy --out VECTORS.safetensors  # both P-vectors with their singular values and where they come from
"""
COMPARE_HELP = """\
Every pair of feature matrices in every measure, calibrated. Rows must be the same samples in the same order, 20 or more.

P-vectors uncentred and centred (angle with its error bound), linear CKA, SVCCA, spans, Procrustes and mutual k-NN, each
with an interval, with what permuted samples give (null), and with the score calibrated by it. mean_alone is the cosine
that the mean direction alone explains: where it is near the estimate, a small angle says nothing about the networks.
The intervals are over samples; what another training run would change is not in them.

  pvlib compare MLP.npy CNN.npy AUTOENCODER.npy
  pvlib compare MLP.npy CNN.npy --permutations 1000                   # finer p-values
  pvlib compare MLP.npy CNN.npy --replicates 20 --permutations 20     # a quick look
"""
PLAN_HELP = """\
How long the runs that the store lacks will take: a few batches of each kind are trained and one measurement is made, on
this machine as busy as it is now. Expect a factor of two either way.

  pvlib plan quick
"""
STATUS_HELP = """\
What a study has done, has failed and still lacks, a line for each cell. Exit code 1 when a run failed.

  pvlib status quick
"""
PUBLISH_HELP = """\
Write a study's tables and P-vectors for others to check. What is published already and not in this store stays: runs
made on different days and machines add up. Files in the folder that no publication wrote are left alone.

  pvlib publish quick
"""
FOREIGN_HELP = """\
Show the training anchors to networks that nobody here trained, and publish what they agree with. Their weights come in
packages (the extra `foreign` of pyproject.toml). What is stored or published already is not computed again, so that an
interrupted command goes on where it stopped; a cell is one network, data set and image size.

  pvlib foreign --to results/foreign
  pvlib foreign --to results/foreign --sizes 64          # minutes; the rest later
  pvlib foreign --to results/foreign --beside results/quick results/trained
"""


ANCHOR_HELP = """\
Write the images of the anchor, on which all published P-vectors were measured, in their order: for any framework. Show them
to your network, and write its features as a matrix with a row for each image, in the same order; `pvlib place` does the rest.

  pvlib anchor digits --to images.npy
  pvlib anchor cifar10 --to images.npy --labels labels.npy --channels-first
"""
PLACE_HELP = """\
Where a network stands among the published ones: |cos| of its P-vector with theirs, trained and untrained, and the classes
of the images at the two ends of its P-vector. The features are those of the anchor's images, in their order (`pvlib anchor`).

  pvlib place FEATURES.npy --dataset digits
  pvlib place FEATURES.npy --dataset cifar10 --plot place.svg
"""


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns the exit code; every error goes to stderr as one line (PVLIB_DEBUG=1: with the traceback)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what the terminal cannot show is escaped, not an error
            stream.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(argv)
    try:
        code = arguments.action(arguments)
        print(end="", flush=True)  # a full disk or a closed pipe shows here
        return code
    except KeyboardInterrupt:
        stored = "; what was finished is stored, and the same command goes on from there"
        print(f"pvlib: interrupted{stored if arguments.command in ('run', 'foreign') else ''}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_output()
        return 1
    except Exception as error:
        if os.environ.get("PVLIB_DEBUG"):
            raise
        report(error)
        _drop_output()
        return 1


def _drop_output() -> None:
    """What cannot be written is given up: Python would try again at its end, and complain."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(error: Exception) -> None:
    """One line on stderr: what the user can change, or how to report what should not have happened."""
    ours = type(error).__module__.startswith("pvlib.")
    no_memory = isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error))
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
        text = advice(error.name)
    elif isinstance(error, OSError) and error.filename is not None:
        text = f"{one_line(error.filename)}: {error.strerror}"
    elif no_memory:
        text = one_line(str(error).partition("\n")[0]) or "not enough memory"
    elif ours or isinstance(error, ValueError | OSError | ImportError):
        text = one_line(error)
    else:
        text = (
            f"unexpected {type(error).__name__}: {one_line(error)[:300]}; please report it{_where()} with what the same "
            "command prints under PVLIB_DEBUG=1"
        )
    print(f"pvlib: {text}", file=sys.stderr)


def _where() -> str:
    """Where to report what went wrong, if this copy is published anywhere (pyproject.toml, [project.urls])."""
    from importlib import metadata

    try:
        urls = metadata.metadata("pvector-book").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((f" at {url}/issues" for name, _, url in (u.partition(", ") for u in urls) if name == "Repository"), "")


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="pvlib",
        description="P-vectors of deep features: train, measure, compare.",
        epilog="`pvlib COMMAND --help` explains each command with examples.",
    )
    top.add_argument("--version", action="version", version=f"pvlib {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _study_commands(commands)
    foreign = _command(commands, "foreign", _foreign, FOREIGN_HELP)
    foreign.add_argument(
        "--to", type=Path, default=Path("results/foreign"), metavar="DIR", help="folder of the results"
    )
    foreign.add_argument("--sizes", type=int, nargs="+", metavar="N", help="pixels a side, of 64, 128 and 224 (all)")
    foreign.add_argument(
        "--beside", type=Path, nargs="*", default=[Path("results/quick")], metavar="DIR",
        help="published studies whose networks they are compared with (results/quick)",
    )  # fmt: skip
    _store_option(foreign)
    anchor = _command(commands, "anchor", _anchor, ANCHOR_HELP)
    anchor.add_argument("dataset", metavar="DATASET", help="digits, mnist, cifar10 or cifar100")
    anchor.add_argument("--to", type=Path, required=True, metavar="IMAGES.npy", help="file to write, uint8")
    anchor.add_argument("--labels", type=Path, metavar="LABELS.npy", help="write the labels as well")
    anchor.add_argument("--channels-first", action="store_true", help="(n, C, H, W) instead of (n, H, W, C)")
    place = _command(commands, "place", _place, PLACE_HELP)
    place.add_argument("features", metavar="FEATURES", help="matrix of features, a row for each image of the anchor")
    place.add_argument("--dataset", required=True, help="digits, mnist, cifar10 or cifar100")
    place.add_argument("--layer", default="penultimate", help="of the published networks (penultimate)")
    place.add_argument("--plot", type=Path, metavar="FILE", help="draw it: .svg, .png or .pdf")
    for command in (anchor, place):
        command.add_argument("--split", choices=("train", "test"), default="train", help="which anchor (train)")
    measure = _matrix_command(commands, "measure", _measure, MEASURE_HELP)
    measure.add_argument("--out", type=Path, metavar="VECTORS.safetensors", help="write both P-vectors of the one file")
    compare = _matrix_command(commands, "compare", _compare, COMPARE_HELP)
    compare.add_argument(
        "--replicates", type=int, default=100, metavar="N", help="half-samples for the intervals, 20 or more (100)"
    )
    compare.add_argument(
        "--permutations", type=int, default=200, metavar="N", help="permutations for the null, 20 or more (200)"
    )
    return top


def _study_commands(commands) -> None:
    run = _study_command(commands, "run", _run, RUN_HELP)
    run.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="every N-th run, from the I-th")
    run.add_argument("--only", default="*", metavar="GLOB", help="only cells whose name matches")
    run.add_argument(
        "--published", type=Path, metavar="DIR", help="leave out runs that DIR (results/STUDY) holds already"
    )
    run.add_argument(
        "--time-limit", type=float, metavar="S", help="stop after the epoch that ends later than S seconds from now"
    )
    run.add_argument("--threads", type=int, metavar="N", help="CPU threads of this process")
    plan = _study_command(commands, "plan", _plan, PLAN_HELP)
    for command in (run, plan):
        command.add_argument(
            "--device", default="auto", help="cpu, cuda, cuda:1 ... (default: cuda where there is one)"
        )
    _study_command(commands, "status", _status, STATUS_HELP)
    publish = _study_command(commands, "publish", _publish, PUBLISH_HELP)
    publish.add_argument(
        "--to", type=Path, metavar="DIR", help="folder of this study's results (default: results/STUDY)"
    )
    publish.add_argument("--drop", action="store_true", help="leave out published runs that the study no longer has")


def _study_command(commands, name: str, action, text: str) -> argparse.ArgumentParser:
    command = _command(commands, name, action, text)
    command.add_argument("study", metavar="STUDY", help="a study's name (see pvlib/studies/), or a YAML file")
    _store_option(command)
    return command


def _store_option(command) -> None:
    command.add_argument(
        "--store", type=Path, help="where runs are kept (default: PVLIB_STORE, or the user's cache folder)"
    )


def _matrix_command(commands, name: str, action, text: str) -> argparse.ArgumentParser:
    command = _command(commands, name, action, text)
    command.add_argument(
        "files",
        nargs="+",
        metavar="FEATURES",
        help="matrix of features, a row a sample: .npy, .npz, .safetensors, .pt, .parquet or .csv; FILE:ARRAY names one "
        "array of several",
    )
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return command


def _command(commands, name: str, action, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=text.strip().split("\n")[0].split(". ")[0].rstrip(".:"),
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(action=action)
    return command


def _shard(text: str) -> tuple[int, int]:
    try:
        part, parts = (int(piece) for piece in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N, such as 1/2") from None
    if not 1 <= part <= parts:
        raise argparse.ArgumentTypeError(f"{text!r}: I must be between 1 and N")
    return part, parts


def _device(arguments) -> str:
    import torch

    if arguments.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return arguments.device


def _run(arguments) -> int:
    import torch

    from .study.config import load_study
    from .study.published import published_keys
    from .study.runner import run_study, say
    from .study.store import Store

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    outcome = run_study(
        load_study(arguments.study),
        Store(arguments.store),
        shard=arguments.shard,
        only=arguments.only,
        time_limit=arguments.time_limit,
        device=_device(arguments),
        published=published_keys(arguments.published) if arguments.published else frozenset(),
    )
    say(f"{arguments.study}: " + ", ".join(f"{count} {name}" for name, count in sorted(outcome.items())))
    return 1 if outcome["failed"] or outcome["no_memory"] else 0


def _plan(arguments) -> int:
    from .study.config import load_study
    from .study.plan import plan
    from .study.store import Store

    print(plan(load_study(arguments.study), Store(arguments.store), device=_device(arguments))[0])
    return 0


def _status(arguments) -> int:
    from .study.config import load_study
    from .study.status import status
    from .study.store import Store

    text, failed = status(load_study(arguments.study), Store(arguments.store))
    print(text)
    return 1 if failed else 0


def _publish(arguments) -> int:
    from .study.config import load_study
    from .study.publish import publish
    from .study.store import Store

    study = load_study(arguments.study)
    target = arguments.to or Path("results") / study.name
    summary = publish(study, Store(arguments.store), target, drop=arguments.drop)
    print(f"{target}: {summary['runs']} of {summary['planned']} runs, {summary['failed']} failed")
    return 0


def _foreign(arguments) -> int:
    from .experiment.data import load
    from .study import foreign, foreign_tables
    from .study.store import Store

    sizes = arguments.sizes or foreign.SIZES
    if unknown := set(sizes) - set(foreign.SIZES):
        raise ValueError(f"--sizes: {min(unknown)} is not one of {', '.join(map(str, foreign.SIZES))}")
    store, data = Store(arguments.store), {name: load(name) for name in foreign.DATASETS}
    cells = foreign.cells(data)
    chosen = [cell for cell in cells if cell.size in sizes]
    foreign.show(chosen, store, foreign_tables.held(arguments.to))
    summary = foreign_tables.publish(cells, store, arguments.to, arguments.beside)
    print(f"{arguments.to}: {summary['runs']} of {summary['planned']} cells")
    return 0


def _anchor(arguments) -> int:
    from .experiment.data import load
    from .study.anchor_images import anchor_images, write_array

    images, labels = anchor_images(
        load(arguments.dataset), split=arguments.split, channels_first=arguments.channels_first
    )
    write_array(arguments.to, images)
    print(f"{arguments.to}: {len(images)} images {'x'.join(map(str, images.shape[1:]))}, uint8 from 0 to 255")
    if arguments.labels is not None:
        write_array(arguments.labels, labels)
        print(f"{arguments.labels}: their labels")
    return 0


@contextmanager
def _short_warnings():
    """Each warning is one line; those of NumPy about overflow are none, because what overflowed is found in the result."""

    def show(message, *_where, **_more) -> None:
        print(f"pvlib: warning: {one_line(message)}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.showwarning = show
        yield


@_short_warnings()
def _measure(arguments) -> int:
    from .doctor import blocks_of, examine
    from .study import measure_report
    from .study.matrices import read_matrix

    if arguments.out is not None:
        _check_out(arguments)
    found: list[dict] = []
    failed = 0
    for source in arguments.files:
        name = one_line(source)
        try:
            matrix = read_matrix(source)
            vectors, notes = measure_report.measured(name, matrix), examine(blocks_of(matrix), name).lines
        except (ValueError, OSError, MemoryError, ImportError) as error:  # the other files are measured all the same
            if len(arguments.files) == 1:
                raise
            report(error)
            failed += 1
            continue
        if arguments.out is not None:
            measure_report.write_vectors(arguments.out, source, vectors)
        rows = measure_report.records(name, vectors)
        if not arguments.json:
            print(("\n" if found else "") + measure_report.table(rows, notes), flush=True)
        found += [{**row, "warnings": notes} for row in rows]
    if arguments.json and found:
        print(measure_report.as_json(found))
    return 1 if failed else 0


def _check_out(arguments) -> None:
    """Before anything is measured."""
    out = arguments.out
    if len(arguments.files) > 1:
        raise ValueError(
            f"--out {one_line(out)}: it holds the P-vectors of one file; measure each with an --out of its own"
        )
    if out.suffix != ".safetensors":
        raise ValueError(f"--out {one_line(out)}: the name of the file must end in .safetensors")
    if not out.parent.is_dir():
        raise ValueError(f"--out {one_line(out)}: there is no such folder; make it first")
    if os.path.lexists(out):
        raise ValueError(f"--out {one_line(out)}: there is such a file already; remove it, or choose another name")


@_short_warnings()
def _place(arguments) -> int:
    from .experiment.data import load
    from .measure import p_vector
    from .report.place import ends, place
    from .study.anchor_images import anchor_images
    from .study.matrices import read_matrix

    matrix = read_matrix(arguments.features)
    where = {"layer": arguments.layer, "split": arguments.split}
    vectors = {center: p_vector(matrix, center=center) for center in (False, True)}
    found = [place(vector, arguments.dataset, **where) for vector in vectors.values()]
    print("\n\n".join(map(str, found)))
    if arguments.plot is not None:
        found[1].plot("this network").savefig(arguments.plot)
        print(f"\n{arguments.plot}: the centred comparison")
    try:
        data = load(arguments.dataset)
    except RuntimeError as error:  # what stands above needs no images
        print(f"pvlib: the classes at the ends are not shown: {one_line(error)}", file=sys.stderr)
        return 0
    labels = anchor_images(data, split=arguments.split)[1]
    print("\nclasses of the 20 images at each end of the centred P-vector:")
    print(ends(vectors[True].vector, labels, data.class_names).to_string())
    return 0


@_short_warnings()
def _compare(arguments) -> int:
    from .study import measure_report
    from .study.matrices import read_matrix

    if len(arguments.files) < 2:
        raise ValueError("compare needs at least two feature matrices")
    found = measure_report.compared(
        [(one_line(source), read_matrix(source)) for source in arguments.files],
        replicates=arguments.replicates,
        permutations=arguments.permutations,
    )
    if arguments.json:
        print(measure_report.as_json([measure_report.record(pair) for pair in found]))
    else:
        print("\n\n".join([*map(str, found), measure_report.COLUMNS]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
