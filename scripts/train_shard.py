"""One shard of a study with a progress bar, or a line now and then where there is no terminal; the full log in a file."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from tqdm import tqdm

LINE = re.compile(r"\[(?P<number>\d+)/(?P<total>\d+)\] (?P<run>.+?) \(\w+\): (?P<what>.*)")
EPOCH = re.compile(r"epoch (\d+)/(\d+)")
QUIET_S = 20.0  # between two lines where there is no terminal
TAIL = 20


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="name or YAML file")
    parser.add_argument("shard", help="I/N")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--published", type=Path, metavar="DIR", help="leave out runs that DIR holds already")
    arguments = parser.parse_args(argv)
    title = f"train {Path(arguments.study).stem} {arguments.shard}"
    print(f"{title}: runs that the store lacks (log: {arguments.log})", file=sys.stderr)
    command = [sys.executable, "-m", "pvlib.cli", "run", arguments.study, "--shard", arguments.shard]
    command += ["--threads", str(arguments.threads)]
    if arguments.published:
        command += ["--published", str(arguments.published)]
    bar = Bar(title, position=int(arguments.shard.split("/")[0]) - 1)
    code, tail = watch(command, log=arguments.log, bar=bar)
    if code:
        print(
            f"{title}: failed, exit code {code}; the last lines of {arguments.log}:", *tail, sep="\n", file=sys.stderr
        )
    return code


def watch(command: list[str], *, log: Path, bar: Bar) -> tuple[int, list[str]]:
    """Run `command`; what it says on stderr goes into `log` and moves the bar. Exit code and the last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=TAIL)
    with open(log, "w") as file, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            file.write(line)
            file.flush()
            tail.append(line.rstrip())
            bar.read(line)
    bar.close(process.returncode)
    return process.returncode, list(tail)


class Bar:
    """Where a shard stands, from the lines that `pvlib run` prints."""

    def __init__(self, title: str, *, position: int = 0):
        self.title, self.spoke, self.line = title, time.monotonic(), ""
        terminal = sys.stderr.isatty()
        self.bar = tqdm(desc=title, unit=" runs", position=position, bar_format=FORMAT) if terminal else None

    def read(self, line: str) -> None:
        found = LINE.match(line)
        if found is None:
            return
        number, total = int(found["number"]), int(found["total"])
        epoch = EPOCH.match(found["what"])
        part = int(epoch[1]) / int(epoch[2]) if epoch else float("done in" in found["what"])
        self.line = f"{self.title}: run {number} of {total}, {found['run']}"
        if self.bar is not None:
            self.bar.total, self.bar.n = total, number - 1 + part
            self.bar.set_postfix_str(found["run"], refresh=False)
            self.bar.update(0)
        elif time.monotonic() - self.spoke > QUIET_S:
            print(self.line, file=sys.stderr, flush=True)
            self.spoke = time.monotonic()

    def close(self, code: int) -> None:
        if self.bar is not None:
            self.bar.close()
        elif code == 0:
            print(f"{self.title}: done", file=sys.stderr)


FORMAT = "{desc} {bar:30} {n:.1f}/{total} runs, {elapsed} gone, {remaining} left, {postfix}"


if __name__ == "__main__":
    sys.exit(main())
