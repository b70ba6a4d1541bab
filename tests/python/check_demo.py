#!/usr/bin/env python3
"""Checks that two synthetic datasets are the same: files byte for byte, masks pixel for pixel.

    check_demo.py STORED MADE
"""
import struct
import sys
import zlib
from pathlib import Path

import numpy as np


def files(folder):
    """Everything but the note that comes with the stored data."""
    found = {str(file.relative_to(folder)) for file in Path(folder).rglob("*") if file.is_file()}
    return found - {"README.md"}


def read_mask(file):
    """The pixels of a PNG of one grey bit, without another decoder than zlib's."""
    data = Path(file).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", file
    at, header, stream = 8, None, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", chunk)
        elif kind == b"IDAT":
            stream += chunk
        at += 12 + length
    width, height, bits, colour, _, _, interlaced = header
    assert (bits, colour, interlaced) == (1, 0, 0), f"{file}: not a grey PNG of one bit"
    stride = (width + 7) // 8
    raw = np.frombuffer(zlib.decompress(stream), np.uint8).reshape(height, 1 + stride)
    rows = np.zeros((height, stride), np.uint8)
    above = np.zeros(stride, np.uint8)
    for y, line in enumerate(raw):
        rows[y] = above = unfilter(line[0], line[1:], above, file)
    return np.unpackbits(rows, axis=1)[:, :width]


def unfilter(kind, line, above, file):
    """Undoes the filter of a row; a pixel is less than a byte, so that the byte before is the neighbour."""
    if kind == 0:
        return line.copy()
    if kind == 2:
        return line + above
    row = bytearray(len(line))
    left = upper_left = 0
    for x, (value, up) in enumerate(zip(line.tolist(), above.tolist())):
        if kind == 1:
            predicted = left
        elif kind == 3:
            predicted = (left + up) // 2
        elif kind == 4:
            predicted = paeth(left, up, upper_left)
        else:
            sys.exit(f"{file}: unknown filter {kind}")
        row[x] = left = (value + predicted) & 255
        upper_left = up
    return np.frombuffer(bytes(row), np.uint8)


def paeth(left, up, upper_left):
    estimate = left + up - upper_left
    return min((left, up, upper_left), key=lambda value: abs(estimate - value))


def main():
    stored, made = map(Path, sys.argv[1:])
    names = files(stored)
    assert names == files(made), f"files differ: {sorted(names ^ files(made))}"
    masks = sorted(name for name in names if name.endswith(".png"))
    assert masks and len(masks) < len(names)
    for name in sorted(names):
        if name in masks:
            assert np.array_equal(read_mask(stored / name), read_mask(made / name)), f"{name}: pixels differ"
            assert read_mask(stored / name).any(), f"{name}: no anomalous pixel"
        else:
            assert (stored / name).read_bytes() == (made / name).read_bytes(), f"{name}: bytes differ"
    print(f"{len(names) - len(masks)} files are the same bytes, {len(masks)} masks the same pixels")


if __name__ == "__main__":
    main()
