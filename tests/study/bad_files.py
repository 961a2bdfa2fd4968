"""Files that hold no matrix of real numbers, each with a word of what must be said of it. Not for running them."""

import collections
import json
import os
import pickle
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

MATRIX = np.random.default_rng(0).normal(size=(6, 3))
BAD: dict[str, tuple[Callable[[Path], object], str]] = {}  # file name -> how it is made, and what is said of it


def bad(name: str, word: str):
    """Register a function that makes the file `name`."""

    def register(make):
        assert name not in BAD
        BAD[name] = (make, word)
        return make

    return register


class Evil:
    def __reduce__(self):
        return (open, ("pwned", "w"))


class Reshaped:
    """A tensor that torch.save writes with a size and strides that are not its own."""

    def __init__(self, tensor, size, stride):
        self.parts = tensor, size, stride

    def __reduce_ex__(self, protocol):
        tensor, size, stride = self.parts
        storage = torch.storage.TypedStorage(wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype, _internal=True)
        return torch._utils._rebuild_tensor_v2, (storage, 0, size, stride, False, collections.OrderedDict())


def npy_bytes(header: str, content: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + content


def npy_of(array: np.ndarray, path: Path) -> bytes:
    np.save(path.with_suffix(".part.npy"), array, allow_pickle=True)
    return path.with_suffix(".part.npy").read_bytes()


def zip_of(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def cut(path: Path, keep: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def safetensors_bytes(header: object, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


WRONG_ARRAYS = {
    "complex": (MATRIX + 1j, "complex128"),
    "complex64": (MATRIX.astype(np.complex64), "complex64"),
    "string": (MATRIX.astype(str), "save real numbers"),
    "bytes": (MATRIX.astype("S8"), "save real numbers"),
    "datetime": (MATRIX.astype(int).astype("datetime64[s]"), "datetime64"),
    "timedelta": (MATRIX.astype(int).astype("timedelta64[s]"), "timedelta64"),
    "void": (MATRIX.astype("<f8").view("V8"), "save real numbers"),
    "structured": (np.zeros((6, 3), [("a", "<f4"), ("b", "<i4")]), "named fields"),
    "structured_utf8": (np.zeros((6, 3), [("é", "<f4")]), "named fields"),
    "object": (np.array([[Evil()]], dtype=object), "dtype object"),
    "scalar": (np.array(3.0), "samples x features"),
    "vector": (np.zeros(3), "samples x features"),
    "cube": (np.zeros((2, 2, 2)), "(2, 2, 2)"),
    "no_rows": (np.zeros((0, 3)), "empty"),
    "no_columns": (np.zeros((6, 0)), "no columns"),
    "nan": (np.full((6, 3), np.nan), "nan at row 0"),
    "infinite": (np.full((6, 3), np.inf), "inf at row 0"),
    "zero": (np.zeros((6, 3)), "zero"),
}
if np.dtype("g").itemsize > 8:
    WRONG_ARRAYS["long_double"] = (MATRIX.astype("g"), "64 bits")
for what, (array, said) in WRONG_ARRAYS.items():

    def save_npy(path, array=array):
        path.write_bytes(npy_of(array, path))

    def save_npz(path, array=array):
        zip_of(path, {"a.npy": npy_of(array, path)})

    bad(f"{what}.npy", said)(save_npy)
    bad(f"{what}.npz", said)(save_npz)

for suffix in (".npy", ".npz", ".safetensors", ".pt", ".parquet", ".csv"):
    bad(f"empty{suffix}", "empty")(lambda path: path.write_bytes(b""))
    bad(f"folder{suffix}", "a folder")(lambda path: path.mkdir())
    bad(f"noise{suffix}", "")(lambda path: path.write_bytes(np.random.default_rng(1).bytes(4096)))
    bad(f"text{suffix}", "")(lambda path: path.write_text("this is\nno, matrix\n"))
    bad(f"absent{suffix}", "no such file")(lambda path: None)
    if os.name == "posix":
        bad(f"loop{suffix}", "symbolic links")(lambda path: path.symlink_to(path.name))
        bad(f"device{suffix}", "a device")(lambda path: path.symlink_to("/dev/zero"))
        bad(f"{'x' * 300}{suffix}", "too long")(lambda path: None)
        bad(f"pipe{suffix}", "a pipe")(os.mkfifo)

HEADER = "{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
LIES = {
    "rows_1e30": (HEADER.format(descr="<f8", shape=f"({10**30}, 3)"), "cut off"),
    "rows_1e12": (HEADER.format(descr="<f8", shape=f"({10**12}, 3)"), "cut off"),
    "one_more": (HEADER.format(descr="<f8", shape="(7, 3)"), "cut off"),
    "one_less": (HEADER.format(descr="<f8", shape="(5, 3)"), "more than the array"),
    "negative": (HEADER.format(descr="<f8", shape="(-6, -3)"), "shape"),
    "boolean_shape": (HEADER.format(descr="<f8", shape="(True, 18)"), "header"),
    "float_shape": (HEADER.format(descr="<f8", shape="(6.0, 3)"), "header"),
    "digits": (HEADER.format(descr="<f8", shape=f"({'9' * 9000}, 3)"), "header"),
    "long": (HEADER.format(descr="<f8", shape="(6, 3)") + " " * 50_000, "header"),
    "code": ("__import__('os').system('touch pwned')", "header"),
    "nested": ("[" * 9000 + "]" * 9000, "header"),
    "no_shape": ("{'descr': '<f8', 'fortran_order': False}", "header"),
    "type": (HEADER.format(descr="<q9", shape="(6, 3)"), "header"),
    "not_python": ("{'descr'", "header"),
    "object_by_name": (HEADER.format(descr="|O", shape="(6, 3)"), "dtype object"),
}
for what, (header, said) in LIES.items():
    bad(f"lie_{what}.npy", said)(lambda path, header=header: path.write_bytes(npy_bytes(header, MATRIX.tobytes())))
    bad(f"lie_{what}.npz", said)(
        lambda path, header=header: zip_of(path, {"a.npy": npy_bytes(header, MATRIX.tobytes())})
    )
bad("version_9.npy", "header")(lambda path: path.write_bytes(npy_bytes(LIES["one_more"][0], version=(9, 0))))
bad("long_header.npy", "header")(
    lambda path: path.write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{" * 100)
)


@bad("two_arrays.npy", "more than the array")
def _(path):
    with open(path, "wb") as file:
        np.save(file, MATRIX)
        np.save(file, MATRIX)


@bad("really_npz.npy", "rename")
def _(path):
    zip_of(path, {"a.npy": npy_of(MATRIX, path)})


@bad("really_npy.npz", "rename")
def _(path):
    path.write_bytes(npy_of(MATRIX, path))


@bad("really_npy.csv", "rename")
def _(path):
    path.write_bytes(npy_of(MATRIX, path))


@bad("really_npz.pt", "")
def _(path):
    zip_of(path, {"a.npy": npy_of(MATRIX, path)}, zipfile.ZIP_STORED)


@bad("really_pt.npz", "found")
def _(path):
    torch.save(torch.from_numpy(MATRIX), path)


bad("no_members.npz", "no array")(lambda path: zip_of(path, {}))
bad("words.npz", "not an array")(lambda path: zip_of(path, {"readme.txt": b"words"}))
bad("words_named_npy.npz", "header")(lambda path: zip_of(path, {"a.npy": b"words"}))
bad("two.npz", "found 2: a, b")(lambda path: np.savez(path, a=MATRIX, b=MATRIX))
bad("nested.npz", "header")(lambda path: zip_of(path, {"a.npy": b"PK\x03\x04" * 100}))


@bad("crc.npz", "CRC")
def _(path):
    zip_of(path, {"a.npy": npy_of(MATRIX, path)}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(MATRIX.tobytes()) + 3] ^= 1
    path.write_bytes(content)


@bad("cut.npz", "")
def _(path):
    np.savez(path, MATRIX)
    cut(path, 0.7)


@bad("bomb.npz", "memory")
def _(path):
    """Says that it holds 2 PB, in a few bytes: zip's sizes are what somebody wrote."""
    header = npy_bytes(HEADER.format(descr="<f8", shape=f"({2**47}, 2)"))
    zip_of(path, {"a.npy": header + bytes(1000)})
    _rewrite_size(path, len(header) + 2**51)


@bad("lying_member.npz", "")
def _(path):
    """Says that it holds 1 MB more than it does."""
    header = npy_bytes(HEADER.format(descr="<f8", shape="(65536, 2)"))
    zip_of(path, {"a.npy": header + bytes(1000)})
    _rewrite_size(path, len(header) + 2**20)


def _rewrite_size(path: Path, size: int) -> None:
    """One member's size, in the central directory of the zip file (with its 64-bit extension)."""
    content = path.read_bytes()
    start = content.rindex(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    entry = bytearray(content[start:end])
    entry[24:28] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", 12)
    name = entry[46 : 46 + entry[28]]
    entry = entry[:46] + name + struct.pack("<HHQ", 1, 8, size)
    tail = bytearray(content[end:])
    tail[12:16] = struct.pack("<I", len(entry))
    path.write_bytes(content[:start] + bytes(entry) + bytes(tail))


@bad("encrypted.npz", "")
def _(path):
    zip_of(path, {"a.npy": npy_of(MATRIX, path)})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


@bad("unknown_compression.npz", "")
def _(path):
    zip_of(path, {"a.npy": npy_of(MATRIX, path)})
    content = bytearray(path.read_bytes())
    content[8] = content[content.rindex(b"PK\x01\x02") + 10] = 77
    path.write_bytes(content)


@bad("broken_stream.npz", "")
def _(path):
    zip_of(path, {"a.npy": npy_of(np.random.default_rng(0).normal(size=(50, 50)), path)})
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)


WRONG_SAFETENSORS = {
    "short": (b"\x01\x02", "cut off"),
    "huge_header": (struct.pack("<Q", 2**63) + b"{}", "cut off"),
    "no_tensor": (safetensors_bytes({}), "no array"),
    "list": (safetensors_bytes([]), "damaged"),
    "no_json": (safetensors_bytes(b"{{{{"), "damaged"),
    "deep": (safetensors_bytes(b'{"a":' + b"[" * 200_000), "damaged"),
    "not_utf8": (safetensors_bytes(b'{"\xff": 1}'), "damaged"),
    "twice": (
        safetensors_bytes(
            b'{"a":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]},"a":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}}',
            bytes(8),
        ),
        "twice",
    ),
    "rows_1e30": (
        safetensors_bytes({"a": {"dtype": "F64", "shape": [10**30, 3], "data_offsets": [0, 144]}}, bytes(144)),
        "shape",
    ),
    "end_1e30": (
        safetensors_bytes({"a": {"dtype": "F64", "shape": [10**30, 3], "data_offsets": [0, 24 * 10**30]}}, bytes(144)),
        "cut off",
    ),
    "gap": (safetensors_bytes({"a": {"dtype": "F64", "shape": [1, 1], "data_offsets": [8, 16]}}, bytes(16)), "gaps"),
    "more": (safetensors_bytes({"a": {"dtype": "F64", "shape": [1, 1], "data_offsets": [0, 8]}}, bytes(16)), "header"),
    "negative": (
        safetensors_bytes({"a": {"dtype": "F64", "shape": [-1, -1], "data_offsets": [0, 8]}}, bytes(8)),
        "damaged",
    ),
    "true": (
        safetensors_bytes({"a": {"dtype": "F64", "shape": [True, 1], "data_offsets": [0, 8]}}, bytes(8)),
        "damaged",
    ),
    "words": (safetensors_bytes({"a": {"dtype": "F64", "shape": "ab", "data_offsets": [0, 8]}}, bytes(8)), "damaged"),
    "no_dtype": (safetensors_bytes({"a": {"shape": [1, 1], "data_offsets": [0, 8]}}, bytes(8)), "damaged"),
    "dtype_list": (safetensors_bytes({"a": {"dtype": [], "shape": [1], "data_offsets": [0, 8]}}, bytes(8)), "damaged"),
}
for what, (content, said) in WRONG_SAFETENSORS.items():
    bad(f"{what}.safetensors", said)(lambda path, content=content: path.write_bytes(content))

for what, tensor in {
    "complex": torch.complex(torch.ones(6, 3), torch.ones(6, 3)),
    "float8": torch.ones(6, 3).to(torch.float8_e4m3fn),
}.items():
    bad(f"{what}.safetensors", "dtype")(lambda path, tensor=tensor: save_file({"a": tensor}, path))
    bad(f"{what}.pt", "dtype")(lambda path, tensor=tensor: torch.save(tensor, path))
TWO = {"a": torch.ones(6, 3), "b": torch.ones(6, 3)}
bad("two.safetensors", "found 2: a, b")(lambda path: save_file(TWO, path))
bad("two.pt", "found 2: a, b")(lambda path: torch.save(TWO, path))

TENSOR = torch.from_numpy(MATRIX).float()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch is about to drop some of these
    WRONG_PT = {
        "sparse": (TENSOR.to_sparse(), "sparse"),
        "sparse_csr": (TENSOR.to_sparse_csr(), "sparse"),
        "quantised": (torch.quantize_per_tensor(TENSOR, 0.1, 0, torch.qint8), "quantised"),
    }
WRONG_PT |= {
    "meta": (torch.empty((6, 3), device="meta"), "meta"),
    "expanded": (Reshaped(TENSOR, (10**6, 10**6), (0, 0)), "repeats"),
    "expanded_a_little": (torch.ones(1, 3).expand(60, 3), "repeats"),
    "overlapping": (Reshaped(TENSOR, (6, 6), (3, 1)), ""),
    "beyond": (Reshaped(TENSOR, (60, 30), (30, 1)), "damaged"),
    "beyond_1e18": (Reshaped(TENSOR, (10**9, 10**9), (10**9, 1)), "damaged"),
    "object": (Evil(), "plain tensors"),
    "list": ([TENSOR], "got list"),
    "number": (3, "got int"),
    "string": ("words", "got str"),
    "none": (None, "got NoneType"),
    "no_tensors": ({}, "no array"),
    "nested": ({"a": {"b": TENSOR}}, "got dict"),
    "words_in_dict": ({"a": "words"}, "got str"),
    "vector": (torch.ones(3), "samples x features"),
    "module": (torch.nn.Linear(2, 2), "plain tensors"),
}
for what, (value, said) in WRONG_PT.items():
    bad(f"{what}.pt", said)(lambda path, value=value: torch.save(value, path))
bad("legacy_object.pt", "plain tensors")(lambda path: torch.save(Evil(), path, _use_new_zipfile_serialization=False))
bad("legacy_beyond.pt", "plain tensors")(
    lambda path: torch.save(Reshaped(TENSOR, (60, 30), (30, 1)), path, _use_new_zipfile_serialization=False)
)
bad("pickle.pt", "plain tensors")(lambda path: path.write_bytes(pickle.dumps([1, 2])))
bad("evil_pickle.pt", "plain tensors")(lambda path: path.write_bytes(pickle.dumps(Evil())))


@bad("compressed.pt", "compressed")
def _(path):
    torch.save(TENSOR, path.with_suffix(".part"))
    with zipfile.ZipFile(path.with_suffix(".part")) as archive:
        zip_of(path, {name: archive.read(name) for name in archive.namelist()})


@bad("crc.pt", "checksum")
def _(path):
    torch.save(TENSOR, path)
    content = bytearray(path.read_bytes())
    content[content.index(TENSOR.numpy().tobytes()) + 3] ^= 1
    path.write_bytes(content)


@bad("size.pt", "wrong about its size")
def _(path):
    """torch would read 16 bytes more than there are numbers."""
    torch.save(TENSOR, path)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"/data/0") - 46 - len(path.stem) + 24] ^= 16
    path.write_bytes(content)


@bad("cut.pt", "")
def _(path):
    torch.save(TENSOR, path)
    cut(path, 0.6)


WRONG_FRAMES = {
    "words": ({"a": [1.0], "word": ["x"]}, "'word' is not numeric"),
    "lists": ({"a": [[1.0, 2.0], [3.0, 4.0]]}, "not numeric"),
    "dictionary": ({"a": pd.Categorical(["x", "y"])}, "not numeric"),
    "dates": ({"a": pd.to_datetime(["2020-01-01", "2020-01-02"])}, "not numeric"),
    "nullable": ({"a": pd.array([1, None, 3], dtype="Int64"), "b": [1.0, 2.0, 3.0]}, "row 1 has no value"),
    "nullable_bool": ({"a": pd.array([True, False, None], dtype="boolean")}, "row 2 has no value"),
    "missing": ({"a": [1.0, 2.0, float("nan")]}, "row 2 has no value"),
    "only_missing": ({"a": [None, None]}, "not numeric"),
    "structs": ({"a": [{"x": 1}, {"x": 2}]}, "not numeric"),
    "no_columns": ({}, ""),
}
for what, (frame, said) in WRONG_FRAMES.items():
    bad(f"{what}.parquet", said)(lambda path, frame=frame: pd.DataFrame(frame).to_parquet(path))


@bad("cut.parquet", "")
def _(path):
    pd.DataFrame(MATRIX, columns=list("abc")).to_parquet(path)
    cut(path, 0.8)


WRONG_CSV = {
    "ragged": ("1,2,3\n4,5\n", "line 2 has 2 cells"),
    "word": ("a,b\n1,2\n3,x\n", "line 3, column 2: 'x'"),
    "first_word": ("1,x\n3,4\n", "line 1, column 2: 'x'"),
    "missing": ("a,b\n1,\n", "line 2, column 2: ''"),
    "nan": ("1,2\nnan,4\n", "row 1, column 0"),
    "overflow": ("1,2\n1e999,4\n", "row 1, column 0"),
    "complex": ("1+2j,2\n3,4\n", "'1+2j'"),
    "underscore": ("1_0,2\n3,4\n", "'1_0'"),
    "semicolons": ("1,5;2,5\n3,5;4,5\n", "'5;2'"),
    "pandas_numbers": (pd.DataFrame(MATRIX).to_csv(index=False), "0, 1, 2"),
    "pandas_index": (pd.DataFrame(MATRIX, columns=list("abc")).to_csv(), "no name"),
    "header_only": ("a,b\n", "empty"),
    "blank": ("\n\n", "no line"),
    "quote": ('1,"2\n3,4\n', ""),
    "nul": ("1,2\0\n", ""),
}
for what, (text, said) in WRONG_CSV.items():
    bad(f"{what}.csv", said)(lambda path, text=text: path.write_text(text))
bad("latin.csv", "")(lambda path: path.write_bytes(b"\xe9,b\n1,2\n"))
bad("gzip.csv", "")(lambda path: path.write_bytes(b"\x1f\x8b" + zlib.compress(b"1,2\n" * 100)))
bad("unknown.mat", "unknown kind")(lambda path: path.write_bytes(b"x"))
bad("no_suffix", "unknown kind")(lambda path: path.write_bytes(b"x"))
bad("nul\0byte.npy", "nul\\x00byte.npy")(lambda path: None)
if os.name == "posix":
    bad("line\nfeed.npy", "line\\nfeed.npy")(lambda path: path.write_bytes(b"x"))
if sys.platform == "linux":  # where a name is any bytes
    bad(os.fsdecode(b"caf\xe9.npy"), "caf\\xe9.npy")(lambda path: path.write_bytes(b"x"))
    bad(os.fsdecode(b"absent\xe9.npz"), "absent\\xe9.npz")(lambda path: None)
