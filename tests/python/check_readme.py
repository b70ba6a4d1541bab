#!/usr/bin/env python3
"""Runs the SQL and Python snippets of the README on the run in target/demo.

    check_readme.py README.md
"""
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np

from snippet import snippet


def check_duckdb(readme):
    """Every query gives rows."""
    queries = [query for query in snippet(readme, "duckdb").split(";") if query.strip()]
    assert len(queries) == 2, queries
    for query in queries:
        table = duckdb.sql(query)
        rows = table.fetchall()
        assert rows, f"no rows: {query}"
        print(table)


def check_polars(readme):
    """The means and a curve come out, the curve with points and rates in order."""
    names = {}
    exec(compile(snippet(readme, "polars"), "README.md, polars", "exec"), names)
    assert names["images"].height == 52, names["images"].height
    curve = names["curve"]
    assert curve.height > 100 and curve["threshold"].is_sorted(descending=True), curve
    assert curve["shared_fpr"].is_sorted() and curve["tpr"].is_sorted(), curve


def check_dump(readme):
    """Maps land where pimo looks for them, in C order."""
    names = {}
    exec(compile(snippet(readme, "dump"), "README.md, dump", "exec"), names)
    scores = np.arange(6, dtype=np.float32).reshape(3, 2).T
    with tempfile.TemporaryDirectory() as folder:
        names["save_map"](folder, "/datasets/mvtec/screw/test/good/000.png", scores)
        saved = np.load(Path(folder, "screw/test/good/000.npy"))
    assert np.array_equal(saved, scores) and saved.flags.c_contiguous


if __name__ == "__main__":
    check_duckdb(sys.argv[1])
    check_polars(sys.argv[1])
    check_dump(sys.argv[1])
    print("the snippets of the README run")
