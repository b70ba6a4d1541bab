#!/usr/bin/env python3
"""Reads a run folder with DuckDB, Polars and pyarrow, and checks that all of them see what summary.json says.

    check_run.py RUN
"""
import json
import math
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

TABLES = {"images", "curves", "axis", "categories"}


def close(found, expected, what):
    """Means differ by the order in which a program adds up."""
    same = found is None if expected is None else found is not None and math.isclose(found, expected, abs_tol=1e-12)
    assert same, f"{what}: {found} instead of {expected}"


def check_tables(run):
    """All three read all rows of all tables alike."""
    assert {file.stem for file in run.glob("*.parquet")} >= TABLES, f"{run}: tables are missing"
    for file in sorted(run.glob("*.parquet")):
        arrow = pq.read_table(file)
        polars = pl.read_parquet(file)
        duck = duckdb.sql("SELECT * FROM read_parquet(?)", params=[str(file)]).pl()
        assert arrow.column_names == polars.columns == duck.columns, f"{file}: columns differ"
        rows = arrow.to_pylist()
        assert rows, f"{file}: no rows"
        assert rows == polars.to_dicts() == duck.to_dicts(), f"{file}: rows differ"
        print(f"{file.name}: {len(rows)} rows, {len(arrow.column_names)} columns")


def check_metadata(run, parameters):
    """The run's parameters are in every file, and rows are declared and found to be sorted."""
    for file in sorted(run.glob("*.parquet")):
        metadata = pq.ParquetFile(file).metadata
        own = {key.decode(): value.decode() for key, value in metadata.metadata.items()}
        assert own["pimo.table"] == file.stem, own
        assert own["pimo.format_version"] == "1", own
        for name, value in parameters.items():
            assert own[f"pimo.parameter.{name}"] == value, (file, name, own)
        codecs = {
            metadata.row_group(group).column(column).compression
            for group in range(metadata.num_row_groups)
            for column in range(metadata.num_columns)
        }
        assert codecs == {"ZSTD"}, (file, codecs)
    ids = pq.read_table(run / "images.parquet", columns=["category", "image_id", "model"]).to_pylist()
    keys = [(row["category"], row["image_id"], row["model"]) for row in ids]
    assert keys == sorted(keys) and len(set(keys)) == len(keys), "images.parquet is not sorted"


def check_means(run, summary):
    """Means over images, by each program, are those of summary.json and categories.parquet."""
    images = pl.read_parquet(run / "images.parquet")
    metrics = pl.read_parquet(run / "categories.parquet")
    compared = 0
    for model, results in summary["models"].items():
        for category, expected in results["categories"].items():
            rows = images.filter(
                pl.col("model") == model, pl.col("category") == category, pl.col("is_anomalous")
            )
            assert rows.height == expected["anomalous"], (model, category, rows.height)
            ours = expected["aupimo"]
            mean, median, at_0, at_1 = duckdb.execute(
                "SELECT avg(aupimo), median(aupimo), avg((aupimo = 0)::INT), avg((aupimo = 1)::INT)"
                " FROM read_parquet(?) WHERE model = ? AND category = ? AND is_anomalous",
                [str(run / "images.parquet"), model, category],
            ).fetchone()
            where = f"{model}, {category}"
            close(mean, ours["mean"], f"{where}: DuckDB's mean")
            close(rows["aupimo"].mean(), ours["mean"], f"{where}: Polars' mean")
            close(median, ours["median"], f"{where}: DuckDB's median")
            close(at_0, ours["share_0"], f"{where}: share at 0")
            close(at_1, ours["share_1"], f"{where}: share at 1")
            for metric, value in [("mean", mean), ("median", median), ("share_0", at_0), ("share_1", at_1)]:
                stored = metrics.filter(
                    pl.col("model") == model, pl.col("category") == category, pl.col("metric") == f"aupimo_{metric}"
                )
                assert stored.height == 1, (where, metric)
                close(stored["value"][0], value, f"{where}: aupimo_{metric} in categories.parquet")
            for defect, part in expected["defects"].items():
                found = rows.filter(pl.col("defect") == defect)
                assert found.height == part["images"], (where, defect)
                close(found["aupimo"].mean(), part["aupimo"]["mean"], f"{where}, {defect}: mean")
            compared += 1
    assert compared > 0, "nothing to compare"
    print(f"means of {compared} categories are the same in DuckDB, Polars and summary.json")


def check_record(run):
    """run.json lists the files that are there, and no others are."""
    record = json.loads((run / "run.json").read_text())
    there = sorted(str(file.relative_to(run)) for file in run.rglob("*") if file.is_file())
    assert record["outputs"] == there, (record["outputs"], there)


def main():
    run = Path(sys.argv[1])
    summary = json.loads((run / "summary.json").read_text())
    check_tables(run)
    check_metadata(run, summary["parameters"])
    check_means(run, summary)
    check_record(run)


if __name__ == "__main__":
    main()
