"""Writes the sample files of this folder.

    python make.py

Needs numpy, tifffile, imagecodecs and pillow. Every map is 18x20 and holds, at row y and column x, a value that the
tests know too:

    v = (7 y + 13 x) mod 101      unsigned types and PNG
    v - 50                        signed types
    (v - 50) / 8                  floats: exact in half precision

Every mask is 11x19 and is anomalous where (y*y + 3*x) mod 7 == 0. Source images are 16x24 with the colours
(10 x, 15 y, 5 (x + y)), or with the red as grey. Files of images are read back with other software
as far as it knows them.
"""

import io
import pickle
import shutil
import struct
import sys
import types
import zipfile
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

HERE = Path(__file__).parent
HEIGHT, WIDTH = 18, 20
TYPES = ["f2", "f4", "f8", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"]


def scores(kind, height=HEIGHT, width=WIDTH, first=0):
    y, x = np.mgrid[first : first + height, :width]
    v = (7 * y + 13 * x) % 101
    if kind[0] == "u":
        return v.astype(kind)
    return (v - 50).astype(kind) if kind[0] == "i" else ((v - 50) / 8).astype(kind)


def mask(height=11, width=19):
    y, x = np.mgrid[:height, :width]
    return (y * y + 3 * x) % 7 == 0


def entry(name, method=zipfile.ZIP_STORED):
    """An archive's entry of a fixed date, so that the same files come out every time."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = method
    return info


def npy_maps(folder):
    for kind in TYPES:
        np.save(folder / f"{kind}.npy", scores(kind))
        np.save(folder / f"{kind}_big.npy", scores(kind).astype(">" + kind))
    np.save(folder / "f4_1hw.npy", scores("f4")[None])
    np.save(folder / "f4_hw1.npy", scores("f4")[..., None])
    np.save(folder / "f4_11hw.npy", scores("f4")[None, None])
    for version in [(2, 0), (3, 0)]:
        with open(folder / f"f4_version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, scores("f4"), version)


def npz_maps(folder):
    maps = {"good/000": scores("f4"), "bad/001": scores("f8"), "bad/002": scores("f2").astype(">f2")}
    np.savez(folder / "stored.npz", **maps)
    np.savez_compressed(folder / "deflated.npz", **maps)
    with zipfile.ZipFile(folder / "zip64.npz", "w") as archive:
        for key, values in maps.items():
            buffer = io.BytesIO()
            np.save(buffer, values)
            with archive.open(entry(key + ".npy"), "w", force_zip64=True) as file:
                file.write(buffer.getvalue())


def tiff_maps(folder):
    for kind in TYPES:
        tifffile.imwrite(folder / f"{kind}_none.tif", scores(kind), rowsperstrip=5)
    for compression in ["deflate", "lzw", "zstd"]:
        for kind in ["f2", "f4", "f8"]:
            tifffile.imwrite(
                folder / f"{kind}_{compression}_p3.tif", scores(kind), compression=compression, predictor=3, rowsperstrip=7
            )
            tifffile.imwrite(
                folder / f"{kind}_{compression}_tiles_bigtiff.tif",
                scores(kind),
                compression=compression,
                tile=(16, 16),
                bigtiff=True,
            )
        for kind in ["u1", "u2", "i2", "u4"]:
            tifffile.imwrite(
                folder / f"{kind}_{compression}_p2.tif", scores(kind), compression=compression, predictor=2
            )
    tifffile.imwrite(folder / "f4_none_tiles.tif", scores("f4"), tile=(16, 16))
    tifffile.imwrite(folder / "f4_none_bigtiff.tif", scores("f4"), bigtiff=True)
    tifffile.imwrite(folder / "f4_none_bigendian.tif", scores("f4"), byteorder=">")
    tifffile.imwrite(folder / "f8_deflate_bigendian.tif", scores("f8"), byteorder=">", compression="deflate")
    for path in folder.iterdir():
        assert np.array_equal(tifffile.imread(path), scores(path.name[:2])), path


# PNG, written here because no library writes every depth, colour type and interlacing.


def png_passes(interlaced, height, width):
    if not interlaced:
        return [(0, 1, 0, 1)]
    adam7 = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    return [p for p in adam7 if p[0] < height and p[2] < width]


def png_bytes(samples, bits, colour, palette=None, interlaced=False):
    height, width = samples.shape[:2]
    samples = samples.reshape(height, width, -1)
    raw = b""
    for y0, dy, x0, dx in png_passes(interlaced, height, width):
        for row in samples[y0::dy, x0::dx]:
            raw += b"\0" + pack(row.reshape(-1), bits)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced)))]
    if palette is not None:
        chunks.append((b"PLTE", bytes(np.asarray(palette, "u1"))))
    chunks += [(b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    framed = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def pack(values, bits):
    """Samples in big-endian order, the first in the highest bits, padded to whole bytes."""
    if bits >= 8:
        return values.astype(f">u{bits // 8}").tobytes()
    planes = (values[:, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(planes.astype("u1").reshape(-1)).tobytes()


GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
# Colour 0 is black; 1 is black but for its blue.
COLOURS = [(0, 0, 0), (0, 0, 1), (200, 0, 0), (0, 0, 0)]


def png_masks(folder):
    m = mask()
    for interlaced in [False, True]:
        end = "_interlaced.png" if interlaced else ".png"
        for bits in [1, 2, 4, 8, 16]:
            top = (1 << bits) - 1
            write(folder / f"grey{bits}{end}", png_bytes(m * top, bits, GREY, interlaced=interlaced))
        for bits in [1, 2, 4, 8]:
            index = np.where(m, 1, 0) if bits == 1 else np.where(m, 1 + np.indices(m.shape)[1] % 2, 3 * (np.indices(m.shape)[0] % 2))
            colours = COLOURS[:2] if bits == 1 else COLOURS
            write(folder / f"palette{bits}{end}", png_bytes(index, bits, PALETTE, colours, interlaced))
        for bits in [8, 16]:
            low = np.where(m, 1, 0)
            alpha = np.full(m.shape, 7)
            zero = np.zeros_like(low)
            third = np.indices(m.shape)[1] % 3
            rgb = [np.where(third == part, low, zero) for part in range(3)]
            write(folder / f"rgb{bits}{end}", png_bytes(np.stack(rgb, -1), bits, RGB, interlaced=interlaced))
            write(folder / f"rgba{bits}{end}", png_bytes(np.stack([*rgb, alpha], -1), bits, RGBA, interlaced=interlaced))
            write(folder / f"greyalpha{bits}{end}", png_bytes(np.stack([low, alpha], -1), bits, GREY_ALPHA, interlaced=interlaced))
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert image.size == (19, 11)
            if "16" not in path.name:
                parts = np.asarray(image.convert("RGBA"))[..., :3]
                assert np.array_equal(parts.any(-1), m), path


def png_maps(folder):
    write(folder / "u1.png", png_bytes(scores("u1"), 8, GREY))
    write(folder / "u2.png", png_bytes(scores("u2"), 16, GREY, interlaced=True))


def bmp_bytes(m, bits, top_down=False, old=False):
    height, width = m.shape
    if bits <= 8:
        rows = [pack(np.where(row, 1, 0), bits) for row in m]
        entry = [b"\0\0\0", b"\0\0\x05"] if old else [b"\0\0\0\0", b"\0\0\x05\0"]
        palette = entry[0] + entry[1] + entry[0] * ((1 << bits) - 2)
    else:
        pixels = [np.frombuffer(b"\0\0\0\xff", "u1"), np.frombuffer(b"\x09\0\0\xff", "u1")]
        rows = [b"".join(pixels[int(p)][: bits // 8].tobytes() for p in row) for row in m]
        palette = b""
    rows = [row + b"\xaa" * (-len(row) % 4) for row in rows]
    if not top_down:
        rows.reverse()
    if old:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, 0, 0, 0, 0, 0, 0)
    start = 14 + len(info) + len(palette)
    data = b"".join(rows)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + palette + data


def bmp_masks(folder):
    m = mask()
    for bits in [1, 4, 8, 24, 32]:
        write(folder / f"bottom_up{bits}.bmp", bmp_bytes(m, bits))
        write(folder / f"top_down{bits}.bmp", bmp_bytes(m, bits, top_down=True))
    write(folder / "os2_8.bmp", bmp_bytes(m, 8, old=True))
    Image.fromarray((m * 255).astype("u1")).save(folder / "pillow_grey8.bmp")
    for path in folder.glob("*.bmp"):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image.convert("RGB")).any(-1), m), path


def tiff_masks(folder):
    m = mask()
    for kind in ["u1", "u2", "i2", "f2", "f4", "f8"]:
        tifffile.imwrite(folder / f"grey_{kind}.tif", m.astype(kind))
    tifffile.imwrite(folder / "grey_bool.tif", m, photometric="minisblack")
    tifffile.imwrite(folder / "grey_u1_tiles_lzw.tif", m.astype("u1") * 255, tile=(16, 16), compression="lzw")
    colour = np.zeros((*m.shape, 4), "u1")
    colour[..., 3] = 9
    colour[..., 1] = m
    tifffile.imwrite(folder / "rgb.tif", colour[..., :3], photometric="rgb")
    tifffile.imwrite(folder / "rgba.tif", colour, photometric="rgb", extrasamples="unassalpha", compression="deflate")


def npy_masks(folder):
    m = mask()
    for kind in ["?", *TYPES]:
        name = "bool" if kind == "?" else kind
        np.save(folder / f"{name}.npy", m.astype(kind))
    np.save(folder / "i4_big.npy", -m.astype(">i4"))
    np.save(folder / "f4_1hw.npy", m.astype("f4")[None])


# torch.save without torch: the same pickles, from stand-ins for its classes.


class Storage:
    def __init__(self, kind, values):
        self.kind, self.values = kind, values


def stand_ins():
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name in ["Half", "Float", "Double", "Byte", "Long", "BFloat16"]:
        setattr(torch, f"{name}Storage", type(f"{name}Storage", (), {"__module__": "torch"}))
    sys.modules.update({"torch": torch, "torch._utils": utils})
    return torch, utils


TORCH, UTILS = stand_ins()


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, __import__("collections").OrderedDict())

    def __reduce__(self):
        return UTILS._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def __init__(self, file, protocol, keys, legacy):
        super().__init__(file, protocol)
        self.keys, self.legacy = keys, legacy

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        key = self.keys.setdefault(id(thing), (str(len(self.keys)), thing))[0]
        tail = (None,) if self.legacy else ()
        return ("storage", getattr(TORCH, thing.kind + "Storage"), key, "cpu", thing.values.size, *tail)


def pickled(thing, protocol, keys, legacy=False):
    buffer = io.BytesIO()
    Pickler(buffer, protocol, keys, legacy).dump(thing)
    return buffer.getvalue()


def save_zip(path, thing, protocol=2, big_endian=False, compressed=False):
    keys = {}
    data = pickled(thing, protocol, keys)
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry("maps/data.pkl", method), data)
        archive.writestr(entry("maps/byteorder", method), "big" if big_endian else "little")
        for key, storage in keys.values():
            values = storage.values.astype(storage.values.dtype.newbyteorder(">" if big_endian else "<"))
            archive.writestr(entry(f"maps/data/{key}", method), values.tobytes())
        archive.writestr(entry("maps/version", method), "3\n")


def save_legacy(path, thing):
    keys = {}
    data = pickled(thing, 2, keys, legacy=True)
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with open(path, "wb") as file:
        for part in [0x1950A86A20F9469CFC6C, 1001, facts]:
            file.write(pickle.dumps(part, 2))
        file.write(data)
        file.write(pickle.dumps([key for key, _ in keys.values()], 2))
        for _, storage in keys.values():
            file.write(struct.pack("<q", storage.values.size) + storage.values.tobytes())


PATHS = ["toy/test/good/000.png", "toy/test/bad/000.png", "toy/test/bad/001.png"]


def stack(kind):
    """Three maps; the second begins 18 rows further down."""
    return np.stack([scores(kind, first=HEIGHT * index) for index in range(3)])


def torch_maps(folder):
    def content(kind, values, offset, strides, shape=(3, HEIGHT, WIDTH)):
        return {"asmaps": Tensor(Storage(kind, values), offset, shape, strides), "paths": PATHS}

    plane = HEIGHT * WIDTH
    dense = (plane, WIDTH, 1)
    f4 = content("Float", stack("f4").reshape(-1), 0, dense)
    save_zip(folder / "f4.pt", f4)
    save_legacy(folder / "f4_legacy.pt", f4)
    save_zip(folder / "f4_protocol4.pt", f4, protocol=4)
    save_zip(folder / "f4_big.pt", f4, big_endian=True)
    save_zip(folder / "f4_bare.pt", f4["asmaps"])
    save_zip(folder / "f2.pt", content("Half", stack("f2").reshape(-1), 0, dense))
    save_zip(folder / "f8_n1hw.pt", content("Double", stack("f8").reshape(-1), 0, (plane, plane, WIDTH, 1), (3, 1, HEIGHT, WIDTH)))
    save_zip(folder / "i8.pt", content("Long", stack("i8").reshape(-1), 0, dense))
    # A window of a larger tensor: an offset, and gaps between rows.
    wide = np.full((3, HEIGHT + 2, WIDTH + 3), 99, "f4")
    wide[:, 1:-1, 2:-1] = stack("f4")
    strides = ((HEIGHT + 2) * (WIDTH + 3), WIDTH + 3, 1)
    save_zip(folder / "f4_window.pt", content("Float", wide.reshape(-1), WIDTH + 3 + 2, strides))
    # Each map transposed.
    save_zip(folder / "f4_transposed.pt", content("Float", stack("f4").transpose(0, 2, 1).reshape(-1), 0, (plane, 1, HEIGHT)))


def torch_damage(folder):
    class Evil:
        def __reduce__(self):
            return print, ("hello",)

    ones = Storage("Float", np.ones(24, "f4"))
    tensor = Tensor(ones, 0, (2, 3, 4), (12, 4, 1))
    save_zip(folder / "evil.pt", {"asmaps": Evil()})
    save_zip(folder / "interleaved.pt", {"asmaps": Tensor(ones, 0, (6, 2, 2), (1, 6, 12)), "paths": []})
    save_zip(folder / "beyond.pt", Tensor(ones, 1, (2, 3, 4), (12, 4, 1)))
    save_zip(folder / "shared.pt", Tensor(ones, 0, (1 << 40, 3, 4), (0, 4, 1)))
    save_zip(folder / "two_paths.pt", {"asmaps": tensor, "paths": ["a", "b", "c"]})
    save_zip(folder / "other.pt", {"maps": tensor})
    save_zip(folder / "deflated.pt", {"asmaps": tensor}, compressed=True)
    save_zip(folder / "bfloat16.pt", {"asmaps": Tensor(Storage("BFloat16", np.ones(24, "u2")), 0, (2, 3, 4), (12, 4, 1))})
    save_zip(folder / "flat.pt", Tensor(ones, 0, (24,), (1,)))


def npy_damage(folder):
    record = np.zeros((2, 3), [("score", "<f4"), ("x", "<i4")])
    for name, values in {
        "complex": np.zeros((2, 3), "c8"),
        "object": np.full((2, 3), None),
        "string": np.full((2, 3), "a"),
        "record": record,
        "fortran": np.asfortranarray(np.zeros((2, 3), "f4")),
        "flat": np.zeros(6, "f4"),
        "empty": np.zeros((0, 3), "f4"),
        "time": np.zeros((2, 3), "M8[s]"),
        "stack": np.arange(24, dtype="f4").reshape(2, 3, 4),
        "beyond": np.array([[1, 2], [3, -(2**53) - 1]], "i8"),
        "limit": np.array([[2**53, -(2**53)]], "i8"),
        "nan": np.array([[0, 1], [2, np.nan]], "f4"),
    }.items():
        np.save(folder / f"{name}.npy", values)
    np.savez(folder / "stack.npz", maps=np.zeros((2, 3, 4)))


def image_damage(folder):
    m = mask(4, 5)
    tifffile.imwrite(folder / "rgb.tif", np.zeros((4, 5, 3), "u1"), photometric="rgb")
    tifffile.imwrite(folder / "white.tif", np.zeros((4, 5), "u1"), photometric="miniswhite")
    tifffile.imwrite(folder / "complex.tif", np.zeros((4, 5), "c8"))
    tifffile.imwrite(folder / "planes.tif", np.zeros((3, 4, 5), "u1"), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(folder / "jpeg.tif", np.zeros((16, 16), "u1"), compression="jpeg")
    tifffile.imwrite(folder / "pages.tif", np.zeros((2, 4, 5), "f4"), photometric="minisblack")
    write(folder / "grey4.png", png_bytes(m * 15, 4, GREY))
    write(folder / "rgb.png", png_bytes(np.stack([m * 1] * 3, -1), 8, RGB))
    write(folder / "palette.png", png_bytes(m * 3, 2, PALETTE, COLOURS[:3]))
    bmp = bytearray(bmp_bytes(m, 8))
    bmp[30] = 1
    write(folder / "rle.bmp", bytes(bmp))


# Source images.


def colours(height=16, width=24):
    y, x = np.mgrid[:height, :width]
    return np.stack([10 * x, 15 * y, 5 * (x + y)], -1).astype("u1")


def png_images(folder):
    c = colours()
    alpha = np.full((*c.shape[:2], 1), 90)
    write(folder / "rgb8.png", png_bytes(c, 8, RGB))
    write(folder / "rgb16.png", png_bytes(c.astype("u2") * 256 + 77, 16, RGB))
    write(folder / "rgba8_interlaced.png", png_bytes(np.concatenate([c, alpha], -1), 8, RGBA, interlaced=True))
    write(folder / "grey8.png", png_bytes(c[..., 0], 8, GREY))
    write(folder / "grey16.png", png_bytes(c[..., 0].astype("u2") * 256 + 9, 16, GREY))
    write(folder / "greyalpha8.png", png_bytes(np.concatenate([c[..., :1], alpha], -1), 8, GREY_ALPHA))
    index = np.arange(24)[None, :].repeat(16, 0)
    write(folder / "grey_palette8.png", png_bytes(index, 8, PALETTE, [(10 * x,) * 3 for x in range(24)]))


def jpeg_images(folder):
    image = Image.fromarray(colours())
    image.save(folder / "rgb_420.jpg", quality=95)
    image.save(folder / "rgb_444_progressive.jpg", quality=95, subsampling=0, progressive=True)
    Image.fromarray(colours()[..., 0]).save(folder / "grey.jpg", quality=95)


def tiff_images(folder):
    c = colours()
    tifffile.imwrite(folder / "rgb8.tif", c, photometric="rgb")
    tifffile.imwrite(folder / "rgb16_deflate.tif", c.astype("u2") * 256 + 5, photometric="rgb", compression="deflate")
    tifffile.imwrite(folder / "grey8_lzw.tif", c[..., 0], compression="lzw")
    tifffile.imwrite(folder / "grey8_white.tif", 255 - c[..., 0], photometric="miniswhite")


def bmp_images(folder):
    Image.fromarray(colours()).save(folder / "rgb24.bmp")
    Image.fromarray(colours()[..., 0]).save(folder / "grey8.bmp")


def write(path, data):
    path.write_bytes(data)


def main():
    for name, makers in {
        "maps": [npy_maps, tiff_maps, png_maps],
        "stacks": [npz_maps, torch_maps],
        "masks": [png_masks, bmp_masks, tiff_masks, npy_masks],
        "images": [png_images, jpeg_images, tiff_images, bmp_images],
        "damage": [npy_damage, image_damage, torch_damage],
    }.items():
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        for maker in makers:
            sub = folder / maker.__name__.split("_")[0]
            sub.mkdir(parents=True, exist_ok=True)
            maker(sub)


if __name__ == "__main__":
    main()
