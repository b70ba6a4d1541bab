#!/usr/bin/env python3
"""Compares pimo with the expected values of a real category, MVTec AD screw, where that data is at hand.

    check_real.py PIMO REAL WORK

PIMO is the built command, REAL the folder with grids, masks and expected values, WORK a folder for the full-size maps
(2.7 GB while it runs). For both detectors, from .npy and from .tiff: AUPIMO by the exact definition within 1e-10 of
brute force, and by the published procedure within 1e-12 of the published package, for every image. Needs numpy, scipy,
tifffile and pyarrow.
"""
import json
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


def main():
    pimo, real, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(sys.argv[3])
    failed = 0
    for detector in DETECTORS:
        exact = json.loads((real / "expected" / f"{detector}_screw_exact.json").read_text())["exact_aupimo"]
        official = json.loads((real / "expected" / f"{detector}_screw.json").read_text())["aupimo"]["per_image"]
        for kind in ["npy", "tiff"]:
            maps = work / "maps"
            shutil.rmtree(maps, ignore_errors=True)
            expand = [sys.executable, real / "expand.py", "--detector", detector, "--out", maps, "--format", kind, "--check"]
            subprocess.run(expand, check=True)
            for thresholds, expected, tolerance in [("exact", exact, 1e-10), ("linspace:300000", official, 1e-12)]:
                run = work / "run"
                command = [pimo, "eval", "--quiet", "--force", "--maps", maps / detector, "--dataset", real]
                command += ["--category", "screw", "--thresholds", thresholds, "--out", run]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                difference = largest_difference(scores(run), expected)
                good = difference <= tolerance
                failed += not good
                print(f"{'ok' if good else 'WRONG'}: {detector}, {kind}, {thresholds}: largest difference {difference:.1e}")
            shutil.rmtree(maps)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
