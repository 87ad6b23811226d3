"""Runs Grafito's figures and those of other libraries in turn, and prints how they compare, as a table in Markdown."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = ("jax", "tensorflow", "torch", "candle")

EPILOG = """\
A run measures one figure in a process of its own: ours, the peer's, ours, the peer's, and so on. The table has

  min, median, max   of ours and of theirs: the least sample, the median of the runs' medians, the largest sample
  ratio              of the two medians: less than 1 means that Grafito is faster
  pairs              the same of each of our runs and the peer's run right after it: min, median, max

Get ready with

  python3 -m venv venv && venv/bin/pip install -r benches/peers/requirements.txt
  venv/bin/python benches/peers/compare.py

on a machine that does nothing else: figures from a busy one mean nothing. That takes about half an hour.
"""


class Comparison(NamedTuple):
    """One of our figures, with a peer's, which may have another name. A target is for the ratio if there is a peer, else
    for the figure itself. `goal` is its number in the list of what is to be reached."""

    goal: str
    ours: str
    peer: str = ""
    theirs: str = ""
    target: float | None = None


COMPARISONS = [
    Comparison("P1", "recipe_lazy", "tensorflow", "recipe_epoch", 0.40),
    Comparison("P1", "recipe_lazy", "tensorflow", "recipe_step"),
    Comparison("P1", "recipe_lazy", "jax", "recipe_epoch"),
    Comparison("P1", "recipe_lazy", "jax", "recipe_step"),
    Comparison("P1", "recipe_lazy", "torch", "recipe_step"),
    Comparison("P1", "recipe_lazy", "candle", "recipe_step"),
    Comparison("P1", "recipe_epoch", "tensorflow", "recipe_epoch"),
    Comparison("P1", "recipe_epoch", "jax", "recipe_epoch"),
    Comparison("P2", "call", target=1),
    Comparison("P2", "call", "jax", "call"),
    Comparison("P2", "call", "tensorflow", "call"),
    Comparison("P2", "call", "torch", "call"),
    Comparison("P3", "first_call", target=5),
    Comparison("P3", "first_call", "jax", "first_call"),
    Comparison("P3", "first_call", "tensorflow", "first_call"),
    Comparison("P3", "graph_1k"),
    Comparison("P3", "graph_10k", target=500),
    Comparison("P4", "scalar_loop", target=10),
    Comparison("P4", "scalar_loop", "jax", "scalar_loop"),
    Comparison("P4", "scalar_loop", "tensorflow", "scalar_loop"),
    Comparison("P5", "chain_64k", "jax", "chain_64k", 0.25),
    Comparison("P5", "chain_64k", "tensorflow", "chain_64k"),
    Comparison("P5", "chain_64k", "torch", "chain_64k"),
    Comparison("P5", "chain_16m", "jax", "chain_16m", 0.6),
    Comparison("P5", "chain_16m", "tensorflow", "chain_16m"),
    Comparison("P5", "chain_16m", "torch", "chain_16m"),
    Comparison("P5b", "transcendental_16m", "jax", "transcendental_16m", 0.5),
    Comparison("P5b", "transcendental_16m", "tensorflow", "transcendental_16m"),
    Comparison("P5b", "transcendental_16m", "torch", "transcendental_16m"),
    Comparison("P5c", "mean_square_16m", "jax", "mean_square_16m"),
    Comparison("P5c", "mean_square_16m", "tensorflow", "mean_square_16m"),
    Comparison("P5c", "mean_square_16m", "torch", "mean_square_16m"),
    Comparison("P6", "wide_step", "jax", "wide_step", 0.85),
    Comparison("P6", "wide_step", "tensorflow", "wide_step"),
    Comparison("P6", "wide_step", "torch", "wide_step"),
    Comparison("P6", "wide_step", "candle", "wide_step"),
    Comparison("P8", "recipe_eager", "torch", "recipe_step", 0.4),
    Comparison("P8", "recipe_eager", "candle", "recipe_step"),
    Comparison("P9", "arena", target=1.1),
    Comparison("P10", "cnn_step", "jax", "cnn_step", 0.40),
    Comparison("P10", "cnn_step", "tensorflow", "cnn_step"),
    Comparison("P10", "cnn_step", "torch", "cnn_step"),
]


class Line(NamedTuple):
    """What a run printed of a figure."""

    least: float
    median: float
    most: float
    unit: str


class Failure(Exception):
    """A program that did not do what it was started for."""


def main():
    arguments = parsed_arguments()
    wanted = [
        comparison
        for comparison in COMPARISONS
        if (not comparison.peer or comparison.peer in arguments.peers)
        and (not arguments.only or {comparison.goal, comparison.ours} & set(arguments.only))
    ]
    if not wanted:
        raise SystemExit("no comparison is left")
    commands = {"ours": build_ours(arguments.profile)}
    failures = []
    versions = []
    for peer in sorted({comparison.peer for comparison in wanted} - {""}, key=PEERS.index):
        try:
            commands[peer] = peer_command(peer, arguments.python)
            versions.append(run(commands[peer] + ["--version"]).strip())
        except Failure as failure:
            commands.pop(peer, None)
            failures.append(f"{peer} is left out: {failure}")
    load = os.getloadavg()[0]
    rows = []
    for number, comparison in enumerate(wanted):
        if comparison.peer and comparison.peer not in commands:
            continue
        peer = comparison.peer or "alone"
        print(f"{number + 1}/{len(wanted)} {comparison.ours}, {peer} {comparison.theirs}", file=sys.stderr)
        try:
            rows.append(row(comparison, *measure(comparison, commands, arguments.rounds)))
        except Failure as failure:
            failures.append(f"{comparison.ours} with {peer}: {failure}")
    text = "\n".join([*conditions(arguments, versions, load), "", *table(rows), *failures, ""])
    print(text)
    if arguments.markdown:
        replace(arguments.markdown, text)
    if failures:
        raise SystemExit(1)


def parsed_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(dict.fromkeys(name for c in COMPARISONS for name in (c.goal, c.ours)))
    parser.add_argument("--rounds", type=positive, default=5, help="runs of each side of a comparison (default: 5)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        metavar="NAME",
        help=f"compare these alone: {', '.join(names)}",
    )
    parser.add_argument(
        "--peers", nargs="+", choices=PEERS, default=PEERS, help="the libraries to compare with (default: all)"
    )
    parser.add_argument(
        "--python", default=sys.executable, help="a Python that has requirements.txt (default: this one)"
    )
    parser.add_argument(
        "--profile", default="release", help="the Cargo profile of our side (default: release; dev is what cargo run uses)"
    )
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write what is printed to a file, too")
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


# -- running -----------------------------------------------------------------------------------------------------------


def run(command):
    """What a program prints."""
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    try:
        result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    except OSError as error:
        raise Failure(error) from error
    if result.returncode != 0:
        lines = [text for text in result.stderr.strip().splitlines() if not text.startswith("note: ")]
        raise Failure(f"exit status {result.returncode}: {(lines or ['no message'])[-1]}")
    return result.stdout


def build_ours(profile):
    """Builds `benches/figures.rs`; returns the command that runs it."""
    command = ["cargo", "build", "--profile", profile, "--bench", "figures", "--message-format", "json"]
    command += ["--features", "jit"]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if result.returncode != 0:
        raise SystemExit("Grafito does not build")
    for line in result.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "figures":
            return [message["executable"]]
    raise SystemExit("Cargo named no executable")


def peer_command(peer, python):
    """The command that runs a peer, which is built if need be."""
    if peer != "candle":
        return [python, str(HERE / f"{peer}_peer.py")]
    target = ROOT / "target" / "peers"
    run(["cargo", "build", "--release", "--manifest-path", str(HERE / "candle/Cargo.toml"), "--target-dir", str(target)])
    return [str(target / "release" / "candle-peer")]


def line(command, figure):
    """What a run of a single figure says of it."""
    for text in run([*command, figure]).splitlines():
        match text.split():
            case [name, least, median, most, unit] if name == figure:
                return Line(float(least), float(median), float(most), unit)
    raise Failure(f"nothing was printed of {figure}")


def measure(comparison, commands, rounds):
    """Our lines and the peer's, measured in turn."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(line(commands["ours"], comparison.ours))
        if comparison.peer:
            theirs.append(line(commands[comparison.peer], comparison.theirs))
            if ours[-1].unit != theirs[-1].unit:
                raise Failure(f"units differ: {ours[-1].unit} and {theirs[-1].unit}")
    return ours, theirs


# -- the table ---------------------------------------------------------------------------------------------------------


def row(comparison, ours, theirs):
    """A line of the table, as its cells."""
    median = statistics.median(line.median for line in ours)
    cells = [comparison.goal, comparison.ours, ours[0].unit, spread(ours)]
    target = comparison.target
    if theirs:
        ratio = median / statistics.median(line.median for line in theirs)
        pairs = [mine.median / other.median for mine, other in zip(ours, theirs)]
        of_pairs = " / ".join(number(f(pairs)) for f in (min, statistics.median, max))
        cells += [f"{comparison.peer} {comparison.theirs}", spread(theirs), number(ratio), of_pairs]
        cells.append(verdict(ratio, target, " ×"))
    else:
        cells += ["", "", "", "", verdict(median, target, "")]
    return cells


def verdict(reached, target, times):
    if target is None:
        return ""
    return f"≤ {target:g}{times}: {'reached' if reached <= target else 'missed'}"


def spread(lines):
    least, most = min(line.least for line in lines), max(line.most for line in lines)
    return f"{number(least)} / {number(statistics.median(line.median for line in lines))} / {number(most)}"


def number(value):
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def table(rows):
    heads = ["", "figure", "unit", "Grafito: min / median / max", "peer", "its min / median / max", "ratio", "pairs", "target"]
    return ["| " + " | ".join(cells) + " |" for cells in [heads, ["---"] * len(heads), *rows]]


def conditions(arguments, versions, load):
    """Where and how this was measured."""
    now = datetime.datetime.now(datetime.timezone.utc)
    commit = run(["git", "describe", "--always", "--dirty", "--exclude", "*"]).strip()
    rustc = run(["rustc", "--version"]).strip()
    loads = f"{load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end"
    return [
        f"- {now:%Y-%m-%d}, commit {commit}, profile {arguments.profile}, {rustc}",
        f"- {processor()}, {len(os.sched_getaffinity(0))} processors, {memory()}, {platform.system()} {platform.release()}",
        f"- {', '.join(versions) or 'no other library'}",
        f"- runs of each side, in turn: {arguments.rounds}; load average {loads}",
    ]


def processor():
    for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = text.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def memory():
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def replace(path, text):
    """Writes a file in one piece."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)


if __name__ == "__main__":
    main()
