#!/usr/bin/env python3
"""Compares pimo with the expected values of a real category, MVTec AD screw, where that data is at hand.

    check_real.py PIMO REAL WORK

PIMO is the built command, REAL the folder with grids, masks and expected values, WORK a folder for the full-size maps
(2.7 GB while it runs). For both detectors, from .npy and from .tiff: AUPIMO by the exact definition within 1e-10 of
brute force, and by the published procedure within 1e-12 of the published package, for every image. The other metrics'
intervals are at most 1e-6 to either side and hold the expected values; read again with --refine they are exact. Beside
others in one run a detector's metrics are the same. A comparison and a report of both say that AUPIMO prefers one detector and
AUROC and AUPRO the other. Needs numpy, scipy, tifffile and pyarrow.
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet

DETECTORS = ["patchcore_r18", "patchcore_mnv2q"]


def scores(run):
    """AUPIMO of each anomalous image, by `<defect>/<stem>`."""
    table = pyarrow.parquet.read_table(run / "images.parquet", columns=["image_id", "is_anomalous", "aupimo"])
    return {row["image_id"].partition("/")[2]: row["aupimo"] for row in table.to_pylist() if row["is_anomalous"]}


def largest_difference(got, expected):
    wanted = {image: score for image, score in expected.items() if score is not None and score == score}
    if got.keys() != wanted.keys():
        sys.exit(f"{len(got)} images have a score, {len(wanted)} are expected to")
    return max(abs(got[image] - wanted[image]) for image in wanted)


def metrics_of(run):
    """The metrics of the category, by name."""
    rows = pyarrow.parquet.read_table(run / "categories.parquet").to_pylist()
    return {row["metric"]: row for row in rows if row["category"] == "screw"}


def check_metrics(run, published, exact, widest):
    """Whether intervals, none wider than `widest` to either side, hold the values of other tools."""
    found = metrics_of(run)
    # The published AUPRO carries rounding of up to 2e-11, the others less.
    wanted = {"pixel_auroc": published["pixel_auroc"], "image_auroc": published["image_auroc_max"]}
    wanted |= {f"aupro_{limit}": value for limit, value in published["aupro_mvtec_official"].items()}
    wanted |= {"pixel_ap": exact["pixel_ap"], "pixel_f1max": exact["f1max"], "pixel_ioumax": exact["ioumax"]}
    right = True
    for name, value in wanted.items():
        row = found[name]
        half = (row["high"] - row["low"]) / 2
        good = row["low"] - 1e-10 <= value <= row["high"] + 1e-10 and half <= widest
        right = right and good
        print(f"{'ok' if good else 'WRONG'}: {name}: {row['value']:.12f} +- {half:.1e} for {value:.12f}")
    rates = {name: row for name, row in found.items() if "_threshold" not in name and name != "iou_shared_max"}
    rates = {name: row for name, row in rates.items() if not name.startswith("threshold_at_")}
    wide = [name for name, row in rates.items() if (row["high"] - row["low"]) / 2 > widest]
    print(f"{'WRONG' if wide else 'ok'}: {len(rates) - len(wide)} of {len(rates)} rates are known so well {wide}")
    right = right and not wide
    threshold = found["pixel_f1max_threshold"]
    right = right and threshold["low"] <= exact["f1max_threshold"] <= threshold["high"]
    regions = pyarrow.parquet.read_table(run / "regions.parquet").num_rows
    if regions != published["n_regions_8conn"]:
        print(f"WRONG: {regions} regions for {published['n_regions_8conn']}")
        right = False
    return right


def check_beside(pimo, maps, real, alone, work):
    """Whether a detector's metrics are the same, and as precise, when two others are evaluated in the same run."""
    run = work / "run"
    command = [pimo, "eval", "--quiet", "--force", "--dataset", real, "--category", "screw", "--out", run]
    command += ["--aupro-limits", "0.01,0.05,0.1,0.3,1.0"]
    for name in ["first", "second", "third"]:
        command += ["--maps", f"{name}={maps}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = pyarrow.parquet.read_table(run / "categories.parquet").to_pylist()
    together = {name: {} for name in ["first", "second", "third"]}
    for row in rows:
        if row["category"] == "screw":
            together[row.pop("model")][row["metric"]] = row
    wanted = {metric: {key: row[key] for key in row if key != "model"} for metric, row in metrics_of(alone).items()}
    good = all(metrics == wanted for metrics in together.values())
    print(f"{'ok' if good else 'WRONG'}: {len(wanted)} metrics are the same for three detectors in one run")
    return good


def check_four_connected(pimo, maps, real, run, regions):
    command = [pimo, "eval", "--quiet", "--force", "--maps", maps, "--dataset", real, "--category", "screw"]
    subprocess.run([*command, "--connectivity", "4", "--metrics", "regions", "--out", run], check=True, stdout=subprocess.DEVNULL)
    found = pyarrow.parquet.read_table(run / "regions.parquet").num_rows
    print(f"{'ok' if found == regions else 'WRONG'}: {found} regions are 4-connected")
    return found == regions


def cells(page, metric):
    """The cells of the report's row about a metric that prefers another detector."""
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    rows = [[re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]
    return next((row for row in rows if len(row) == 9 and row[1] == metric), None)


def check_report(pimo, work):
    """Whether the report of both exact runs says which metric prefers which detector."""
    report = work / "report.html"
    runs = [work / f"run-{detector}" for detector in DETECTORS]
    subprocess.run([pimo, "report", "--quiet", "--no-heatmaps", *runs, "-o", report], check=True)
    page = report.read_text()
    right = True
    for metric in ["pixel AUROC", "AUPRO 0.3"]:
        row = cells(page, metric)
        good = row is not None and (row[2], row[5], row[8]) == (*DETECTORS, "&gt; 99.9 %")
        print(f"{'ok' if good else 'WRONG'}: the report on {metric}: {row}")
        right = right and good
    return right


def check_compare(pimo, work):
    """Whether the comparison of both exact runs says which detector localises better, and that other metrics differ."""
    runs = [work / f"run-{detector}" for detector in DETECTORS]
    command = [pimo, "compare", *runs, "--atol", "0", "--out", work / "comparison", "--force"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    pairs = pyarrow.parquet.read_table(work / "comparison" / "pairs.parquet").to_pylist()
    wanted = {"model_1": DETECTORS[0], "model_2": DETECTORS[1], "test": "wilcoxon", "alternative": "two-sided"}
    p = next(pair["p"] for pair in pairs if wanted.items() <= pair.items())
    means = pyarrow.parquet.read_table(work / "comparison" / "models.parquet").to_pylist()
    means = {row["model"]: row["mean"] for row in means if row["category"] == "screw"}
    metrics = [pyarrow.parquet.read_table(run / "categories.parquet").to_pylist() for run in runs]
    metrics = [{row["metric"]: row["value"] for row in rows if row["category"] == "screw"} for rows in metrics]
    opposite = all(metrics[0][metric] < metrics[1][metric] for metric in ["pixel_auroc", "aupro_0.3"])
    claim = f"{DETECTORS[0]} beats {DETECTORS[1]} on screw at 95 % confidence."
    good = abs(p / 1.8e-15 - 1) < 0.05 and means[DETECTORS[0]] > means[DETECTORS[1]] and opposite and claim in printed
    print(f"{'ok' if good else 'WRONG'}: comparison: p = {p:.3e}, means {means}, other metrics say the opposite: {opposite}")
    return good


def main():
    pimo, real, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(sys.argv[3])
    failed = 0
    for detector in DETECTORS:
        brute = json.loads((real / "expected" / f"{detector}_screw_exact.json").read_text())
        published = json.loads((real / "expected" / f"{detector}_screw.json").read_text())
        exact, official = brute["exact_aupimo"], published["aupimo"]["per_image"]
        for kind in ["npy", "tiff"]:
            maps = work / "maps"
            shutil.rmtree(maps, ignore_errors=True)
            expand = [sys.executable, real / "expand.py", "--detector", detector, "--out", maps, "--format", kind, "--check"]
            subprocess.run(expand, check=True)
            for thresholds, expected, tolerance in [("exact", exact, 1e-10), ("linspace:300000", official, 1e-12)]:
                kept = kind == "npy" and thresholds == "exact"
                run = work / (f"run-{detector}" if kept else "run")
                command = [pimo, "eval", "--quiet", "--force", "--maps", maps / detector, "--dataset", real]
                command += ["--category", "screw", "--thresholds", thresholds, "--aupro-limits", "0.01,0.05,0.1,0.3,1.0"]
                command += ["--out", run]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                difference = largest_difference(scores(run), expected)
                good = difference <= tolerance
                failed += not good
                print(f"{'ok' if good else 'WRONG'}: {detector}, {kind}, {thresholds}: largest difference {difference:.1e}")
                failed += not check_metrics(run, published, brute, 1e-6)
                if kept:
                    failed += not check_beside(pimo, maps / detector, real, run, work)
                    failed += not check_four_connected(pimo, maps / detector, real, work / "run", published["n_regions_4conn"])
                    subprocess.run([*command[:-1], work / "run", "--refine", "--tolerance", "0"], check=True, stdout=subprocess.DEVNULL)
                    failed += not check_metrics(work / "run", published, brute, 1e-12)
            shutil.rmtree(maps)
    failed += not check_compare(pimo, work)
    failed += not check_report(pimo, work)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
