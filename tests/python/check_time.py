#!/usr/bin/env python3
"""Checks that comparing 13 published detectors on 27 datasets takes as little time as it should.

    check_time.py PIMO PUBLISHED

PIMO is the command as it is released, PUBLISHED the folder of published scores. 2 s without intervals, 10 s with them.
"""
import subprocess
import sys
import time


def seconds(pimo, published, resamples):
    start = time.perf_counter()
    command = [pimo, "compare", "--published", published, "--bootstrap", str(resamples)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    for resamples, limit in [(0, 2.0), (10_000, 10.0)]:
        # The machine may be busy with something else for a moment.
        best = min(seconds(*sys.argv[1:3], resamples) for _ in range(3))
        assert best < limit, f"{resamples} resamples took {best:.2f} s, at most {limit} s are allowed"
        print(f"13 detectors on 27 datasets, {resamples} resamples: {best:.2f} s")


if __name__ == "__main__":
    main()
