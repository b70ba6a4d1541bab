#!/usr/bin/env python3
"""Times pimo against other programs on the same files, in turn, and prints medians and ratios.

    benches/compare.py --pimo target/release/pimo --scan target/release/examples/scan \
        --maps MAPS --dataset DATASET [--category NAME] [--runs 9] [--anomalib PYTHON] [--sklearn PYTHON]

--maps is one detector's folder of .npy maps in a layout that pimo knows, --dataset the folder of its masks.
`pimo eval` computes AUPIMO alone (--metrics aupimo) unless it says all metrics. Every program is a whole process,
started in turn (A B C A B C ...) after a run of each that is not counted.
--anomalib names a Python interpreter that has anomalib from PyPI installed; it is run once or twice only, because it
takes minutes and gigabytes. Peak memory is what the operating system counted for the finished process.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def timed(command):
    """Wall seconds, CPU seconds and peak resident KiB of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{err.decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, out.decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pimo", type=Path, required=True)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--maps", type=Path, required=True)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--category")
    parser.add_argument("--io", default="mmap", choices=["mmap", "pread"], help="the same for pimo and the scan")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--anomalib", metavar="PYTHON")
    parser.add_argument("--anomalib-runs", type=int, default=2)
    args = parser.parse_args()

    out = Path(tempfile.mkdtemp(prefix="pimo-bench-"))
    category = ["--category", args.category] if args.category else []
    pimo = [args.pimo, "eval", "--maps", args.maps, "--dataset", args.dataset, "--out", out / "run", "--force", "--io", args.io, *category]
    aupimo = [*pimo, "--metrics", "aupimo"]
    commands = {
        "pimo eval": aupimo,
        "pimo eval linspace:300000": [*aupimo, "--thresholds", "linspace:300000", "--allow-few-points"],
        "pimo eval, all metrics": pimo,
        "pimo eval, all pixels exact": [*pimo, "--metrics", "pixel,aupro,image", "--refine", "--tolerance", "0"],
    }
    if args.scan:
        commands["bare scan"] = [args.scan, args.maps, "--io", args.io]
        commands["bare scan, fused"] = [args.scan, args.maps, "--io", args.io, "--fused"]
    walls = {name: [] for name in commands}
    cpus = {name: [] for name in commands}
    for run in range(args.runs + 1):
        for name, command in commands.items():
            wall, cpu, _ = timed(command)
            if run > 0:
                walls[name].append(wall)
                cpus[name].append(cpu)
    for name in commands:
        low, middle, high = min(walls[name]), statistics.median(walls[name]), max(walls[name])
        print(f"{name:28} wall {middle:8.4f} s (min {low:.4f}, max {high:.4f})  cpu {statistics.median(cpus[name]):8.4f} s  {args.runs} runs")
    for name in commands:
        if name != "pimo eval":
            ratios = [ours / theirs for ours, theirs in zip(walls["pimo eval"], walls[name])]
            print(f"pimo eval / {name}: {statistics.median(ratios):.3f} (median of pairs)")
    if args.anomalib:
        script = [args.anomalib, HERE / "anomalib_aupimo.py", "--maps", args.maps, "--dataset", args.dataset, *category]
        seconds = []
        for _ in range(args.anomalib_runs):
            wall, _, text = timed(script)
            seconds.append(wall)
            print(f"anomalib: {wall:.1f} s as a process; {text.strip()}")
        ours = statistics.median(walls["pimo eval"])
        print(f"anomalib / pimo eval: {statistics.median(seconds) / ours:.0f}")
    shutil.rmtree(out)
    print(f"processors: {os.cpu_count()}")


if __name__ == "__main__":
    main()
