"""Writes the expected values beside this file. Needs numpy, scipy==1.17.1 and matplotlib.

Scores lie on binary grids, so that ties and zeros are exact and survive JSON.
"""

import json
from pathlib import Path

import numpy as np
import scipy
from matplotlib.cbook import boxplot_stats
from scipy import stats

assert scipy.__version__ == "1.17.1", scipy.__version__
HERE = Path(__file__).parent
ALTERNATIVES = ["two-sided", "greater", "less"]
np.seterr(all="ignore")


def write(name, cases):
    text = ",\n".join(json.dumps(case, allow_nan=False) for case in cases)
    (HERE / name).write_text(f"[\n{text}\n]\n")


def differences(rng):
    """Small and large samples; with all values distinct, with ties, with zeros, with both."""
    sizes = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 20, 30, 49, 50, 51, 52, 70, 120]
    for n in sizes:
        distinct = rng.permutation(np.arange(1, n + 1)) * rng.choice([-1, 1], n)
        yield distinct / 64
        yield rng.integers(-3, 4, n) / 8
        yield rng.integers(-1, 3, n) / 8
        with_zeros = distinct.copy()
        with_zeros[rng.random(n) < 0.3] = 0
        yield with_zeros / 64
        yield rng.choice([-2, -1, 1, 2, 5], n) / 8
        one_zero = distinct.copy()
        one_zero[0] = 0
        yield one_zero / 64
        yield np.abs(distinct) / 64
        yield np.full(n, -0.25)
        yield np.zeros(n)


def wilcoxon(rng):
    for d in differences(rng):
        results = {}
        for zero_method in ["wilcox", "pratt", "zsplit"]:
            for alternative in ALTERNATIVES:
                # Nothing but zeros: defined as no evidence, where scipy gives 1, 1/2, NaN or an error.
                method = "auto" if d.any() else "asymptotic"
                result = stats.wilcoxon(d, zero_method=zero_method, alternative=alternative, method=method)
                p = float(result.pvalue) if d.any() else 1.0
                results[f"{zero_method} {alternative}"] = [float(result.statistic), p]
        yield {"differences": d.tolist(), "results": results}


def t_test(rng):
    for n in [2, 3, 5, 10, 30, 100]:
        for shift, scale in [(0, 1), (0.1, 0.5), (-0.3, 0.2), (1, 0.01)]:
            x = rng.normal(0.5, 0.3, n)
            y = x - shift - rng.normal(0, scale, n)
            results = {}
            for alternative in ALTERNATIVES:
                result = stats.ttest_rel(x, y, alternative=alternative)
                results[alternative] = [float(result.statistic), float(result.pvalue)]
            yield {"x": x.tolist(), "y": y.tolist(), "results": results}


def friedman(rng):
    for models in [3, 4, 5, 13]:
        for blocks in [1, 2, 5, 27]:
            for levels in [2, 4, 1000]:
                scores = rng.integers(0, levels, (models, blocks)) / 1024
                scores[0, 0] = 5.0
                result = stats.friedmanchisquare(*scores)
                ranks = stats.rankdata(-scores, axis=0).mean(axis=1)
                yield {
                    "scores": scores.tolist(),
                    "average_ranks": ranks.tolist(),
                    "statistic": float(result.statistic),
                    "p": float(result.pvalue),
                }


def studentised_range():
    for k in [2, 3, 4, 5, 8, 13, 20, 50, 100]:
        for alpha in [0.001, 0.01, 0.05, 0.1, 0.5, 0.9]:
            q = float(stats.studentized_range.ppf(1 - alpha, k, np.inf))
            yield {"k": k, "alpha": alpha, "quantile": q, "tail": float(stats.studentized_range.sf(q, k, np.inf))}


def bca(rng):
    # On the grid sums are exact: a resample of all images must tie with the estimate in any order.
    samples = [rng.beta(0.5, 0.5, 20), np.round(rng.normal(0, 1, 7) * 64) / 64, rng.exponential(1, 50)]
    for x in samples:
        for confidence in [0.8, 0.95, 0.99]:
            distribution = rng.choice(x, (200, len(x))).mean(axis=1)
            given = stats._resampling.BootstrapResult(None, distribution, 0.0)
            result = stats.bootstrap(
                (x,), np.mean, n_resamples=0, confidence_level=confidence, method="BCa", bootstrap_result=given
            )
            interval = result.confidence_interval
            yield {
                "scores": x.tolist(),
                "distribution": distribution.tolist(),
                "confidence": confidence,
                "low": float(interval.low),
                "high": float(interval.high),
            }


def chosen(scores, outliers, tolerance):
    """The published choice of example images, with ties decided by a stable sort."""
    box = boxplot_stats(scores)[0]
    fliers = box["fliers"]
    values = {name: box[name] for name in ["mean", "whishi", "whislo", "q1", "med", "q3"]}
    if outliers in ("high", "both"):
        values |= {f"outhi_{i:06}": v for i, v in enumerate(fliers[fliers > box["med"]])}
    if outliers in ("low", "both"):
        values |= {f"outlo_{i:06}": v for i, v in enumerate(fliers[fliers < box["med"]])}
    used, records = set(), []
    for name, value in sorted(values.items(), key=lambda item: item[1]):
        candidates = np.argsort(np.abs(scores - value), kind="stable")
        index = int(candidates[0])
        if tolerance is not None and index in used:
            near = [int(c) for c in candidates if np.isclose(scores[c], value, atol=tolerance)]
            index = next((c for c in near if c not in used), index)
        used.add(index)
        records.append([name, float(value), index, float(scores[index])])
    return sorted(records, key=lambda record: record[3])


def boxplot(rng):
    samples = [rng.integers(0, 9, n) / 8 for n in [1, 2, 3, 4, 5, 9, 30]]
    samples += [np.round(rng.beta(0.3, 0.3, n) * 128) / 128 for n in [6, 25, 60]]
    samples += [np.round(rng.standard_t(1.5, n) * 64) / 64 for n in [10, 40, 80]]
    samples += [np.array([0, 0, 0, 10, 10.0]), np.array([0, 0, 0, 0, 0, 1, 1.0]), np.full(5, 0.5)]
    for scores in samples:
        box = boxplot_stats(scores)[0]
        names = ["mean", "whislo", "q1", "med", "q3", "whishi"]
        yield {
            "scores": scores.tolist(),
            "statistics": [float(box[name]) for name in names],
            "outliers": sorted(box["fliers"].tolist()),
            "chosen": [
                {"outliers": outliers, "tolerance": tolerance, "records": chosen(scores, outliers, tolerance)}
                for outliers in ["none", "high", "low", "both"]
                for tolerance in [None, 1e-2, 0.2]
            ],
        }


write("wilcoxon.json", wilcoxon(np.random.default_rng(1)))
write("t_test.json", t_test(np.random.default_rng(2)))
write("friedman.json", friedman(np.random.default_rng(3)))
write("studentised_range.json", studentised_range())
write("bca.json", bca(np.random.default_rng(5)))
write("boxplot.json", boxplot(np.random.default_rng(6)))
