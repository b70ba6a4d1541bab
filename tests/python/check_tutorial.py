#!/usr/bin/env python3
"""Runs the commands, queries and Python of the tutorial, in its order, and checks that they tell the same.

    check_tutorial.py docs/tutorial.md

Runs in the root of the repository; results go to target/tutorial. Needs duckdb, polars and cargo.
"""
import re
import subprocess
import sys

import duckdb
import polars as pl

from snippet import snippet, snippets

CLAIM = r"^(\w+) beats (\w+) on (\d+) of (\d+) categories at 95 % confidence, and loses on (\d+)\.$"


def run_commands(tutorial):
    """All commands in one shell, as a reader would type them; returns what they print."""
    script = "\n".join(snippets(tutorial, "sh"))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout)
    return done.stdout


def check_printed(tutorial, printed):
    """Every table that the tutorial shows is what the commands print."""
    printed = {" ".join(line.split()) for line in printed.splitlines()}
    text = open(tutorial, encoding="utf-8").read()
    shown = re.findall(r"^```text\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert shown
    lines = [line for block in shown if "┌" not in block for line in block.splitlines()]
    missing = [line for line in lines if " ".join(line.split()) not in printed]
    assert not missing, "not printed any more:\n" + "\n".join(missing)
    return len(lines)


def same(name, found, expected):
    """Two tables of the same rows, numbers up to the order in which they were added."""
    assert found.columns == expected.columns, (name, found.columns, expected.columns)
    assert found.height == expected.height and found.height > 0, (name, found.height, expected.height)
    for row, wanted in zip(found.rows(), expected.rows()):
        for cell, value in zip(row, wanted):
            close = abs(cell - value) < 1e-12 if isinstance(value, float) else cell == value
            assert close, f"{name}: {row} and {wanted}"


def main():
    tutorial = sys.argv[1]
    printed = run_commands(tutorial)
    lines = check_printed(tutorial, printed)
    names = {}
    for name in ["claims", "differences", "defects"]:
        exec(compile(snippet(tutorial, f"polars-{name}"), f"{tutorial}, polars-{name}", "exec"), names)
        same(name, duckdb.sql(snippet(tutorial, f"duckdb-{name}").strip().rstrip(";")).pl(), names[name])

    claims = {(row["winner"], row["loser"]): row for row in names["claims"].to_dicts()}
    said = re.findall(CLAIM, printed, re.MULTILINE)
    assert len(said) == 2, said
    for winner, loser, wins, categories, losses in said:
        row, back = claims[winner, loser], claims[loser, winner]
        told = (row["wins"], row["categories"], back["wins"])
        assert told == (int(wins), int(categories), int(losses)), (told, winner, loser)
    # The sentence of the tutorial.
    best = claims["ash", "cedar"], claims["ash", "birch"]
    assert [(row["wins"], row["wins_holm"], row["categories"]) for row in best] == [(9, 8, 9), (3, 0, 9)], best
    assert names["defects"]["images"].sum() == 9 * 16
    # The comparison rests on the same scores as the runs.
    models = pl.read_parquet("target/tutorial/comparison/models.parquet").filter(pl.col("category") != "*")
    own = pl.concat(pl.read_parquet(f"target/tutorial/{name}/images.parquet") for name in ["ash", "birch", "cedar"])
    means = own.filter("is_anomalous").group_by("category", "model").agg(own_mean=pl.col("aupimo").mean())
    joined = models.join(means, on=["category", "model"])
    assert joined.height == models.height == 27
    assert ((joined["mean"] - joined["own_mean"]).abs() < 1e-12).all()
    print(f"the tutorial runs: {lines} lines are printed as shown, SQL and Polars agree")


if __name__ == "__main__":
    main()
