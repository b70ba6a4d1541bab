#!/usr/bin/env python3
"""AUPIMO of a category in the MVTec AD layout by anomalib from PyPI: what pimo is timed against.

Prints the mean over the anomalous images, the seconds that the metric alone took (files loaded already), and the
process's peak memory.
"""
import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch
from anomalib.metrics.pimo.functional import aupimo_scores
from PIL import Image


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--category", required=True)
    args = parser.parse_args()
    files = sorted((args.maps / args.category / "test").glob("*/*.npy"))
    maps, masks = [], []
    for file in files:
        scores = np.load(file)
        maps.append(torch.from_numpy(scores))
        mask = args.dataset / args.category / "ground_truth" / file.parent.name / f"{file.stem}_mask.png"
        anomalous = np.asarray(Image.open(mask).convert("L")) != 0 if mask.exists() else np.zeros(scores.shape, bool)
        masks.append(torch.from_numpy(anomalous.astype(np.int32)))
    start = time.perf_counter()
    *_, scores, _ = aupimo_scores(torch.stack(maps), torch.stack(masks))
    seconds = time.perf_counter() - start
    mean = float(np.nanmean(scores.numpy()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"mean AUPIMO {mean:.10f}, metric alone {seconds:.1f} s, peak memory {peak:.1f} GiB")


if __name__ == "__main__":
    main()
