#!/usr/bin/env python3
"""Compares the tests of `pimo compare` with scipy on made-up scores with many ties and zeros.

    check_scipy.py PIMO WORK

PIMO is the built command, WORK a folder for the scores. p-values of the Wilcoxon test for every treatment of zeros and
every alternative, of the paired t-test and of Friedman's test are within 1e-9 of scipy's, statistics and Holm's
adjustment as well. Needs numpy, scipy and pyarrow.
"""
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet
import scipy
import scipy.stats

MODELS = ["a", "b", "c"]
ZERO_METHODS = ["wilcox", "pratt", "zsplit"]
ALTERNATIVES = ["two-sided", "greater", "less"]
TOLERANCE = 1e-9
# With ties and up to so many images scipy tries all assignments of signs, which takes it up to seconds a test.
SMALL = 13


def cases(random):
    """Scores of three detectors by name of the case: few images and many, on grids from coarse to none."""
    found = {}
    sizes = list(range(1, 17)) + [25, 49, 50, 51, 52, 80, 200]
    for size in sizes:
        few = size <= SMALL
        for grid in [4, None] if few else [2, 4, 16, 64, None]:
            scores = random.random((3, size)) + np.array([[0.3], [0.2], [0.0]]) * random.random()
            if grid is not None:
                scores = np.round(scores * grid) / grid
            found[f"n{size:03}-grid{grid}"] = scores
        # Equal but for a few images.
        scores = np.repeat(np.round(random.random((1, size)) * 64) / 64, 3, axis=0)
        some = random.random((3, size)) < 0.2
        found[f"n{size:03}-equal"] = np.where(some, np.round(random.random((3, size)) * 8) / 8, scores)
        # One detector is better on all images, and two are the same.
        scores = np.round(random.random(size) * 32) / 32
        found[f"n{size:03}-better"] = np.stack([scores + 0.5, scores, scores])
    return found


def publish(tree, scores):
    """Writes scores as the published package does."""
    for name, values in scores.items():
        for model, own in zip(MODELS, values):
            folder = tree / model / "case" / name / "aupimo"
            folder.mkdir(parents=True)
            payload = {"fpr_lower_bound": 1e-5, "fpr_upper_bound": 1e-4, "num_threshs": None, "aupimos": own.tolist()}
            (folder / "aupimos.json").write_text(json.dumps(payload))


class Differences:
    """Compares numbers and remembers how far they are apart."""

    def __init__(self):
        self.compared = 0
        self.largest = 0.0

    def check(self, what, found, expected, relative=False):
        expected = float(expected)
        if found is None:
            # Nothing to be computed: not a number, or no finite one.
            assert not np.isfinite(expected), f"{what}: nothing instead of {expected}"
            return
        scale = max(abs(expected), 1.0) if relative else 1.0
        difference = abs(found - expected) / scale
        assert difference <= TOLERANCE, f"{what}: {found} instead of {expected}"
        self.compared += 1
        self.largest = max(self.largest, difference)


def is_checked(pair, scores):
    """Whether a pair is worth scipy's time: of small samples one order, of those that take longest one pair."""
    size = scores.shape[1]
    first = pair["model_1"] == "a" and pair["model_2"] == "b"
    return size > SMALL or (first and (size < 9 or pair["category"].endswith("grid4")))


def check_pair(pair, scores, zero_method, differences):
    x, y = (scores[MODELS.index(pair[key])] for key in ["model_1", "model_2"])
    what = f"{pair['category']}, {pair['model_1']} and {pair['model_2']}, {zero_method}, {pair['test']}, {pair['alternative']}"
    if pair["test"] == "t":
        expected = scipy.stats.ttest_rel(x, y, alternative=pair["alternative"])
    elif np.all(x == y):
        # scipy has no answer; that the two are the same is none that could surprise.
        assert pair["p"] == 1.0, what
        return
    else:
        expected = scipy.stats.wilcoxon(x - y, zero_method=zero_method, alternative=pair["alternative"])
    if pair["test"] == "t" and len(x) > 1 and np.all(x - y == (x - y)[0]) and x[0] != y[0]:
        # An infinite statistic, up to rounding in scipy's variance; the table has no infinity.
        assert pair["statistic"] is None and pair["p"] in (0.0, 1.0), what
        return
    differences.check(f"{what}: p", pair["p"], expected.pvalue)
    differences.check(f"{what}: statistic", pair["statistic"], expected.statistic, relative=True)


def holm(p_values):
    """Holm's step-down adjustment."""
    order = np.argsort(p_values, kind="stable")
    steps = np.minimum(np.array(p_values)[order] * np.arange(len(order), 0, -1), 1.0)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def check_holm(pairs, differences):
    families = {}
    for pair in pairs:
        families.setdefault((pair["category"], pair["test"], pair["alternative"]), []).append(pair)
    for (category, test, alternative), family in families.items():
        # Both orders of a two-sided test are one hypothesis.
        family = [pair for pair in family if alternative != "two-sided" or pair["model_1"] < pair["model_2"]]
        family = [pair for pair in family if pair["p"] is not None]
        for pair, adjusted in zip(family, holm([pair["p"] for pair in family])):
            differences.check(f"{category}, {test}, {alternative}: Holm", pair["p_holm"], adjusted)


def check_friedman(row, scores, differences):
    what = f"{row['category']}: Friedman"
    if np.all(scores == scores[0]):
        assert row["p"] is None, what
        return
    expected = scipy.stats.friedmanchisquare(*scores)
    differences.check(f"{what}'s p", row["p"], expected.pvalue)
    differences.check(f"{what}'s statistic", row["statistic"], expected.statistic, relative=True)


def check_ranks(rows, scores, differences):
    for row in rows:
        ranks = scipy.stats.rankdata(-scores, axis=0).mean(axis=1)
        at = MODELS.index(row["model"])
        differences.check(f"{row['category']}, {row['model']}: rank", row["average_rank"], ranks[at])
        differences.check(f"{row['category']}, {row['model']}: mean", row["mean"], scores[at].mean())


def main():
    pimo, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    shutil.rmtree(work, ignore_errors=True)
    scores = {f"case/{name}": values for name, values in cases(np.random.default_rng(0)).items()}
    publish(work / "tree", {name.partition("/")[2]: values for name, values in scores.items()})
    # scipy warns of small samples and of variances that are lost to rounding.
    warnings.simplefilter("ignore")
    for zero_method in ZERO_METHODS:
        out = work / zero_method
        command = [pimo, "compare", "--published", work / "tree", "--out", out, "--bootstrap", "0", "--atol", "0"]
        subprocess.run([*command, "--zero-method", zero_method], check=True, stdout=subprocess.DEVNULL)
        table = lambda name: pyarrow.parquet.read_table(out / f"{name}.parquet").to_pylist()
        differences = Differences()
        pairs = table("pairs")
        assert {pair["alternative"] for pair in pairs} == set(ALTERNATIVES)
        assert len(pairs) == len(scores) * 6 * 2 * 3, len(pairs)
        for pair in (pair for pair in pairs if is_checked(pair, scores[pair["category"]])):
            check_pair(pair, scores[pair["category"]], zero_method, differences)
        check_holm(pairs, differences)
        for row in table("omnibus"):
            if row["category"] != "*":
                check_friedman(row, scores[row["category"]], differences)
        for category, values in scores.items():
            check_ranks([row for row in table("models") if row["category"] == category], values, differences)
        print(
            f"{zero_method}: {differences.compared} numbers of {len(scores)} cases agree with scipy {scipy.__version__}, "
            f"largest difference {differences.largest:.1e}"
        )


if __name__ == "__main__":
    main()
