"""The command line: `pvlib run | plan | status | publish | foreign | measure | compare`. Parses; the work is done elsewhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

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
  pvlib measure FEATURES.npy --json
"""
COMPARE_HELP = """\
Every pair of feature matrices in every measure, calibrated. Rows must be the same samples in the same order, 20 or more.

P-vectors uncentred and centred (angle with its error bound), linear CKA, SVCCA, spans, Procrustes and mutual k-NN, each
with an interval, with what permuted samples give (null), and with the score calibrated by it. mean_alone is the cosine
that the mean direction alone explains: where it is near the estimate, a small angle says nothing about the networks.
Not for the variation between training runs: the intervals are over samples.

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


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns the exit code; errors of the user's making go to stderr as one line."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.action(arguments)
    except KeyboardInterrupt:
        print(
            "pvlib: interrupted; what was finished is stored, and the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        return 1
    except (ValueError, OSError, RuntimeError) as error:
        print(f"pvlib: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="pvlib",
        description="P-vectors of deep features: train, measure, compare.",
        epilog="`pvlib COMMAND --help` explains each command with examples.",
    )
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
    _matrix_command(commands, "measure", _measure, MEASURE_HELP, 1)
    compare = _matrix_command(commands, "compare", _compare, COMPARE_HELP, "+")
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
    command.add_argument("study", metavar="STUDY", help="a study's name (see studies/), or a YAML file")
    _store_option(command)
    return command


def _store_option(command) -> None:
    command.add_argument(
        "--store", type=Path, help="where runs are kept (default: PVLIB_STORE, or the user's cache folder)"
    )


def _matrix_command(commands, name: str, action, text: str, count) -> argparse.ArgumentParser:
    command = _command(commands, name, action, text)
    command.add_argument(
        "files",
        nargs=count,
        metavar="FEATURES",
        type=Path,
        help="matrix of features, a row a sample: .npy, .npz, .safetensors, .pt or .parquet",
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


def _measure(arguments) -> int:
    from .study.matrices import read_matrix
    from .study.tell import measured

    print(measured(arguments.files[0], read_matrix(arguments.files[0]), as_json=arguments.json))
    return 0


def _compare(arguments) -> int:
    from .study.matrices import read_matrix
    from .study.tell import compared

    if len(arguments.files) < 2:
        raise ValueError("compare needs at least two feature matrices")
    found = compared(
        [(str(path), read_matrix(path)) for path in arguments.files],
        as_json=arguments.json,
        replicates=arguments.replicates,
        permutations=arguments.permutations,
    )
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
