#!/usr/bin/env python3
"""Compares pimo with scikit-learn, anomalib and ADEval on the same random data; run by hand.

    python -m pip install numpy pyarrow pillow scikit-learn anomalib adeval
    python tests/python/compare_tools.py target/release/pimo

A tool that is not installed is left out and said to be. The exit status is 1 if a difference is larger than
docs/compatibility.md says it may be. Random maps are written to a temporary folder in the layout of MVTec AD.
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

warnings.filterwarnings("ignore")
if not hasattr(np, "trapz"):  # ADEval 1.1 asks for the name that numpy 2.4 dropped.
    np.trapz = np.trapezoid

SIDE = 128
NORMAL, ANOMALOUS = 12, 18
STRIPS = 1000
SQUASHED = "scores from 0 to 30"


def smooth(rng, cells):
    """A bilinear enlargement of random numbers."""
    grid = rng.gamma(4.0, 1.0, (cells + 1, cells + 1))
    at = np.arange(SIDE) * cells / SIDE
    low, part = at.astype(int), at % 1
    rows = grid[low] * (1 - part)[:, None] + grid[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


def random_dataset(rng, shape):
    """Maps and masks: `shape` turns scores into those that are stored."""
    maps, masks = [], []
    for i in range(NORMAL + ANOMALOUS):
        mask = np.zeros((SIDE, SIDE), bool)
        score = smooth(rng, 16)
        if i >= NORMAL:
            for _ in range(rng.integers(1, 4)):
                y, x, r = *rng.integers(0, SIDE, 2), rng.integers(2, 14)
                yy, xx = np.ogrid[:SIDE, :SIDE]
                mask |= (yy - y) ** 2 + (xx - x) ** 2 < r * r
            score = score + 3.0 * mask * rng.random()
        maps.append(shape(score).astype(np.float32))
        masks.append(mask)
    return np.stack(maps), np.stack(masks)


CASES = {
    SQUASHED: lambda s: s,
    "scores from 0 to 1": lambda s: s / 30,
    "many ties": lambda s: np.round(s * 2) / 64,
}


def write_dataset(folder, maps, masks):
    for i, (score, mask) in enumerate(zip(maps, masks)):
        defect = "bad" if mask.any() else "good"
        path = folder / "maps" / "thing" / "test" / defect / f"{i:03}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, score)
        image = folder / "dataset" / "thing" / "test" / defect / f"{i:03}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (SIDE, SIDE)).save(image)
        if mask.any():
            path = folder / "dataset" / "thing" / "ground_truth" / defect / f"{i:03}_mask.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask.astype(np.uint8) * 255).save(path)


def pimo_values(binary, folder, extra=()):
    """The values of one run, by metric."""
    out = folder / ("run" + "".join(extra).replace(":", "_"))
    command = [binary, "eval", "--maps", folder / "maps", "--dataset", folder / "dataset", "--out", out]
    # Few normal pixels: bounds that they can reach.
    command += ["--fpr-bounds", "1e-3,1e-1", *extra]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    rows = pq.read_table(out / "categories.parquet").to_pylist()
    return {row["metric"]: row["value"] for row in rows if row["category"] == "thing"}


def scikit_learn(maps, masks):
    from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

    scores, labels = maps.ravel(), masks.ravel()
    images, classes = maps.max((1, 2)), masks.any((1, 2))
    precision, recall, _ = precision_recall_curve(labels, scores)
    with np.errstate(invalid="ignore"):
        f1 = 2 * precision * recall / (precision + recall)
    return {
        "pixel_auroc": roc_auc_score(labels, scores),
        "pixel_ap": average_precision_score(labels, scores),
        "pixel_aupr_trapezoid": auc(recall, precision),
        "pixel_f1max": np.nanmax(f1),
        "image_auroc": roc_auc_score(classes, images),
        "image_ap": average_precision_score(classes, images),
    }


def anomalib(maps, masks):
    import torch
    from anomalib.metrics.aupr import _AUPR
    from anomalib.metrics.aupro import _AUPRO
    from anomalib.metrics.auroc import _AUROC
    from anomalib.metrics.f1_score import _F1Max

    def value(metric, scores, labels):
        metric.update(torch.from_numpy(scores), torch.from_numpy(labels).int())
        return float(metric.compute())

    images, classes = maps.max((1, 2)), masks.any((1, 2))
    return {
        "pixel_auroc": value(_AUROC(), maps.ravel(), masks.ravel()),
        "pixel_ap": value(_AUPR(), maps.ravel(), masks.ravel()),
        "pixel_f1max": value(_F1Max(), maps.ravel(), masks.ravel()),
        "aupro_0.3": value(_AUPRO(fpr_limit=0.3), maps, masks),
        "image_auroc": value(_AUROC(), images, classes),
        "image_f1max": value(_F1Max(), images, classes),
    }


def adeval(maps, masks):
    from adeval import auroc_aupr_aupro

    auroc, aupr, aupro = auroc_aupr_aupro(maps, masks.astype(np.uint8), nstrips=STRIPS)
    return {"pixel_auroc": auroc, "pixel_aupr_trapezoid": aupr, "aupro_0.3": aupro}


# How far each tool may be from pimo: from the default definitions, and from those of its profile. Anomalib squashes
# scores that are not from 0 to 1, and its single precision then ties those that differ.
TOOLS = {
    "scikit-learn": (scikit_learn, 1e-9, None, None),
    "anomalib": (anomalib, 1e-6, "anomalib", None),
    "ADEval": (adeval, 1e-3, f"adeval:{STRIPS}", 1e-6),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pimo", help="the command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profiles", action="store_true", help="compare with pimo's --profile too")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    failed = False
    print(f"{'case':20} {'tool':13} {'metric':22} {'tool':>12} {'pimo':>12} {'difference':>10} {'in profile':>10}")
    for case, shape in CASES.items():
        maps, masks = random_dataset(rng, shape)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            write_dataset(folder, maps, masks)
            ours = pimo_values(args.pimo, folder)
            for tool, (compute, tolerance, profile, profile_tolerance) in TOOLS.items():
                try:
                    theirs = compute(maps, masks)
                except ImportError as missing:
                    print(f"{case:20} {tool:13} left out: {missing}")
                    continue
                tolerance = 1e-2 if tool == "anomalib" and case == SQUASHED else tolerance
                same = pimo_values(args.pimo, folder, ("--profile", profile)) if args.profiles and profile else {}
                for metric, value in theirs.items():
                    difference = value - ours[metric]
                    line = f"{case:20} {tool:13} {metric:22} {value:12.9f} {ours[metric]:12.9f} {difference:+10.1e}"
                    bad = abs(difference) > tolerance
                    if metric in same:
                        line += f" {value - same[metric]:+10.1e}"
                        bad |= profile_tolerance is not None and abs(value - same[metric]) > profile_tolerance
                    print(line + ("  too far" if bad else ""))
                    failed |= bad
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
