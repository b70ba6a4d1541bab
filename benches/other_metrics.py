#!/usr/bin/env python3
"""AUROC, average precision and AUPRO of a category in the MVTec AD layout by other tools: what pimo is timed against.

    benches/other_metrics.py --maps MAPS --dataset DATASET --category NAME --tool sklearn|anomalib|adeval

Prints the values, the seconds that the metrics alone took (files loaded already), and the process's peak memory.
scikit-learn gives AUROC and average precision, anomalib AUPRO up to 0.3, ADEval with 1000 strips all three.
"""
import argparse
import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image


def load(maps, dataset, category):
    """Score maps and masks of all images."""
    scores, masks = [], []
    for file in sorted((maps / category / "test").glob("*/*.npy")):
        scores.append(np.load(file))
        mask = dataset / category / "ground_truth" / file.parent.name / f"{file.stem}_mask.png"
        anomalous = np.asarray(Image.open(mask).convert("L")) != 0 if mask.exists() else np.zeros(scores[-1].shape, bool)
        masks.append(anomalous)
    return np.stack(scores), np.stack(masks)


def sklearn(scores, masks):
    from sklearn.metrics import average_precision_score, roc_auc_score

    flat, labels = scores.ravel(), masks.ravel()
    return {"AUROC": roc_auc_score(labels, flat), "AP": average_precision_score(labels, flat)}


def anomalib(scores, masks):
    import torch
    from anomalib.metrics.aupro import _AUPRO

    metric = _AUPRO(fpr_limit=0.3)
    metric.update(torch.from_numpy(scores), torch.from_numpy(masks.astype(np.int32)))
    return {"AUPRO 0.3": float(metric.compute())}


def adeval(scores, masks):
    # ADEval 1.1 calls it by the name that NumPy 2.4 has dropped.
    np.trapz = getattr(np, "trapz", np.trapezoid)
    from adeval import auroc_aupr_aupro

    auroc, aupr, aupro = auroc_aupr_aupro(scores, masks.astype(np.uint8), nstrips=1000)
    return {"AUROC": float(auroc), "AUPR": float(aupr), "AUPRO 0.3": float(aupro)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--category", required=True)
    parser.add_argument("--tool", choices=["sklearn", "anomalib", "adeval"], required=True)
    args = parser.parse_args()
    scores, masks = load(args.maps, args.dataset, args.category)
    start = time.perf_counter()
    values = {"sklearn": sklearn, "anomalib": anomalib, "adeval": adeval}[args.tool](scores, masks)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    said = ", ".join(f"{name} {value:.9f}" for name, value in values.items())
    print(f"{args.tool}: {said}; metrics alone {seconds:.1f} s, peak memory {peak:.1f} GiB")


if __name__ == "__main__":
    main()
