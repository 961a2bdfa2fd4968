"""Data sets: wrong pixels, wrong ids, damage that goes unnoticed, and errors that do not say what to do."""

import io
import json
import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from pvlib.experiment import data as D
from pvlib.experiment.data import DataError, ImageData, Split, anchor, download, load

SIZES = {"mnist": ("image", "label", (28, 28), 10), "cifar10": ("img", "label", (32, 32, 3), 10)}


def encode(pixels, kind):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return stream.getvalue()


def write(path, pixels, labels, image, label, classes, kind="PNG"):
    column = [{"bytes": encode(p, kind), "path": None} for p in pixels]
    info = {"info": {"features": {label: {"names": [f"class {i}" for i in range(classes)], "_type": "ClassLabel"}}}}
    table = pa.table({image: column, label: pa.array(labels, pa.int64())})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)


def build(root, name, *, parts=2, folder=None, order=None):
    """A small data set in the layout; returns its (pixels, labels) of train and test."""
    image, label, shape, classes = SIZES[name]
    rng = np.random.default_rng(0)
    content = {}
    for split, size in (("train", 40), ("test", 20)):
        pixels = rng.integers(0, 256, (size, *shape), dtype=np.uint8)
        labels = np.arange(size) % classes
        if order is not None:
            shuffle = np.random.default_rng(order).permutation(size)
            pixels, labels = pixels[shuffle], labels[shuffle]
        content[split] = pixels, labels
        total = parts if split == "train" else 1
        for part in range(total):
            rows = np.array_split(np.arange(size), total)[part]
            path = root / name / (folder or "") / f"{split}-{part:05d}-of-{total:05d}.parquet"
            write(path, pixels[rows], labels[rows], image, label, classes, "WEBP" if len(shape) == 3 else "PNG")
    return content


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PVLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PVLIB_DATA", raising=False)


def cached(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache" / "decoded").iterdir())


def test_digits_are_the_same_everywhere():
    data = load("digits")
    assert (len(data.train), len(data.test), data.shape, data.num_classes) == (1437, 360, (1, 8, 8), 10)
    assert data.train.images.max() == 255
    assert (data.test.labels.bincount() == 36).all()
    assert data.checksum == "ec62d5daedce1e03c977c2e607731879f9c873d3de0257e15b50b3995d2f0197"
    ids = anchor(data)
    assert torch.equal(ids.test_ids, torch.arange(360))
    assert (data.train.labels[ids.train_ids].bincount() == 100).all()
    assert ids.train_ids[-3:].tolist() == [1434, 1435, 1436]


def test_grey_images_keep_their_pixels_their_order_and_their_names(tmp_path):
    content = build(tmp_path, "mnist")
    data = load("mnist", root=tmp_path)
    for split in ("train", "test"):
        np.testing.assert_array_equal(getattr(data, split).images[:, 0], content[split][0])
        np.testing.assert_array_equal(getattr(data, split).labels, content[split][1])
    assert data.class_names == tuple(f"class {i}" for i in range(10))
    pixels = content["train"][0] / 255
    np.testing.assert_allclose([data.mean[0], data.std[0]], [pixels.mean(), pixels.std()], rtol=1e-12)


def test_colour_channels_are_not_swapped_and_labels_stay_with_their_images(tmp_path):
    pixels, labels = build(tmp_path, "cifar10")["train"]
    data = load("cifar10", root=tmp_path)
    expected = {p.transpose(2, 0, 1).tobytes(): label for p, label in zip(pixels, labels, strict=True)}
    got = {i.numpy().tobytes(): int(label) for i, label in zip(data.train.images, data.train.labels, strict=True)}
    assert got == expected
    np.testing.assert_allclose(data.mean, pixels.reshape(-1, 3).mean(0) / 255, rtol=1e-12)


def test_a_shuffled_copy_of_cifar_gives_the_same_ids(tmp_path):
    build(tmp_path / "a", "cifar10")
    build(tmp_path / "b", "cifar10", order=1, parts=3)
    a, b = (load("cifar10", root=tmp_path / part) for part in "ab")
    assert a.checksum == b.checksum
    assert torch.equal(a.train.images, b.train.images)


def test_the_hub_folder_layout_is_read_and_the_environment_names_the_root(tmp_path, monkeypatch):
    build(tmp_path, "cifar10", folder="plain_text")
    monkeypatch.setenv("PVLIB_DATA", str(tmp_path))
    assert len(load("cifar10").train) == 40


def test_checksum_sees_a_pixel_a_label_and_an_order():
    images = torch.arange(2 * 4, dtype=torch.uint8).reshape(2, 1, 2, 2)
    labels = torch.tensor([0, 1])

    def checksum(images, labels):
        return ImageData.from_splits("x", Split(images, labels), Split(images, labels), "ab").checksum

    other = images.clone()
    other[0, 0, 0, 0] += 1
    sums = {checksum(images, labels), checksum(other, labels), checksum(images, 1 - labels)}
    sums.add(checksum(images.flip(0), labels.flip(0)))
    assert len(sums) == 4
    assert checksum(images.clone(), labels) in sums


def test_the_cache_returns_what_was_decoded_without_decoding(tmp_path, monkeypatch):
    build(tmp_path, "mnist")
    first = load("mnist", root=tmp_path)
    monkeypatch.setattr(D.load.__globals__["parquet"], "read", None)
    second = load("mnist", root=tmp_path)
    assert torch.equal(first.train.images, second.train.images)
    assert torch.equal(first.test.labels, second.test.labels)
    for field in ("name", "class_names", "checksum", "shape"):
        assert getattr(first, field) == getattr(second, field)
    assert torch.equal(first.mean, second.mean) and torch.equal(first.std, second.std)


@pytest.mark.parametrize("damage", ["cut", "pixel", "header", "empty"])
def test_a_damaged_cache_is_kept_aside_and_made_again(tmp_path, capsys, damage):
    build(tmp_path, "mnist")
    first = load("mnist", root=tmp_path)
    (name,) = cached(tmp_path)
    path = tmp_path / "cache" / "decoded" / name
    content = bytearray(path.read_bytes())
    if damage == "pixel":
        content[-100] ^= 1
    if damage == "header":
        at = content.index(b"class 3")
        content[at : at + 7] = b"class 4"
    path.write_bytes({"cut": content[:-9], "empty": b""}.get(damage, content))
    again = load("mnist", root=tmp_path)
    assert again.checksum == first.checksum
    assert again.class_names == first.class_names
    assert torch.equal(again.train.images, first.train.images)
    assert cached(tmp_path) == [name, f"{name}.damaged-1"]
    message = capsys.readouterr().err
    assert "damaged" in message and name in message


def test_changed_files_are_not_answered_from_the_cache(tmp_path):
    build(tmp_path, "mnist")
    before = load("mnist", root=tmp_path)
    build(tmp_path, "mnist", order=3)
    assert load("mnist", root=tmp_path).checksum != before.checksum


def test_a_cache_that_cannot_be_written_is_reported_and_survived(tmp_path, monkeypatch, capsys):
    build(tmp_path, "mnist")
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("PVLIB_CACHE", str(tmp_path / "file"))
    assert len(load("mnist", root=tmp_path).train) == 40
    assert "PVLIB_CACHE" in capsys.readouterr().err


def test_an_interrupted_write_leaves_no_half_cache(tmp_path, monkeypatch, capsys):
    build(tmp_path, "mnist")

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("pvlib.experiment.data.cache.os.fsync", fail)
    load("mnist", root=tmp_path)
    assert cached(tmp_path) == []
    assert "No space left" in capsys.readouterr().err


def test_missing_folder_split_and_part_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no data folder .*mnist.*train-\*-of-"):
        load("mnist", root=tmp_path)
    build(tmp_path, "mnist", parts=3)
    (tmp_path / "mnist" / "train-00001-of-00003.parquet").unlink()
    with pytest.raises(DataError, match=r"lacks train-00001-of-00003\.parquet"):
        load("mnist", root=tmp_path)
    build(tmp_path, "mnist", parts=3)
    (tmp_path / "mnist" / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(DataError, match="lacks the test split"):
        load("mnist", root=tmp_path)


@pytest.mark.parametrize("where", ["tail", "middle", "text"])
def test_a_damaged_parquet_file_is_named(tmp_path, where):
    build(tmp_path, "mnist", parts=1)
    path = tmp_path / "mnist" / "train-00000-of-00001.parquet"
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 400] = bytes(400)
    path.write_bytes({"tail": content[:-200], "middle": content, "text": b"<html>not found</html>"}[where])
    with pytest.raises(DataError, match=r"train-00000-of-00001.parquet"):
        load("mnist", root=tmp_path)


def test_an_image_of_another_form_or_a_label_without_class_is_named(tmp_path):
    build(tmp_path, "mnist", parts=1)
    path = tmp_path / "mnist" / "train-00000-of-00001.parquet"
    pixels = np.zeros((3, 28, 28), np.uint8)
    write(path, [pixels[0], pixels[1, :20]], [0, 1], "image", "label", 10)
    with pytest.raises(DataError, match=r"row 1: .*\(28, 20\).*expected.*\(28, 28\)"):
        load("mnist", root=tmp_path)
    write(path, pixels, [0, 1, 10], "image", "label", 10)
    with pytest.raises(DataError, match="labels run from 0 to 10, but there are 10 classes"):
        load("mnist", root=tmp_path)
    write(path, pixels, [0, 1, 2], "picture", "label", 10)
    with pytest.raises(DataError, match="image"):
        load("mnist", root=tmp_path)


def test_content_that_is_not_the_original_is_reported(tmp_path, capsys):
    build(tmp_path, "mnist")
    for _ in range(2):  # decoded, and from the cache
        load("mnist", root=tmp_path)
        assert "not the original mnist" in capsys.readouterr().err


def test_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'cifar10'"):
        load("cifar-10")


def test_anchor_depends_on_the_data_set_alone_and_refuses_too_few(tmp_path):
    data = load("digits")
    torch.rand(3)
    assert torch.equal(anchor(data).train_ids, anchor(load("digits")).train_ids)
    build(tmp_path, "mnist")
    with pytest.raises(DataError, match="class 0 has 4 samples, 200 are needed"):
        anchor(load("mnist", root=tmp_path))


class Archive:
    """Stands in for a torchvision data set: not there, there, or unreadable."""

    classes = ("0 - zero", "1 - one")
    calls: tuple = ()
    broken = False

    def __init__(self, root, train, download):
        Archive.calls += (download,)
        marker = os.path.join(root, "raw")
        if download:
            open(marker, "w").close()
            Archive.broken = False
        if not os.path.exists(marker):
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        if Archive.broken:
            raise ValueError("cannot reshape array")
        size = 6 if train else 4
        self.data = torch.arange(size, dtype=torch.uint8)[:, None, None].expand(size, 28, 28)
        self.targets = torch.arange(size) % 2


@pytest.fixture
def archive(monkeypatch):
    class Torchvision:
        class datasets:
            MNIST = Archive

    monkeypatch.setattr(download, "import_torchvision", lambda: Torchvision)
    monkeypatch.setattr(Archive, "calls", ())
    monkeypatch.setattr(Archive, "broken", False)
    return Archive


def test_without_a_folder_the_archives_are_downloaded_once(archive, tmp_path, capsys):
    data = load("mnist")
    assert data.class_names == ("0", "1")
    assert data.train.images[:, 0, 5, 5].tolist() == list(range(6))
    assert "downloading" in capsys.readouterr().err
    archive.calls = ()
    assert load("mnist").checksum == data.checksum
    assert archive.calls == ()


def test_processes_that_start_together_download_once(archive, tmp_path, capsys, monkeypatch):
    load("mnist")
    once = len(archive.calls)
    shutil.rmtree(tmp_path / "cache")
    archive.calls = ()
    told, write, make = threading.Event(), sys.stderr.write, archive.__init__
    monkeypatch.setattr(
        sys.stderr, "write", lambda text: (told.set() if "another process" in text else None, write(text))[1]
    )
    # The first one is not done before another has said that it waits.
    monkeypatch.setattr(archive, "__init__", lambda self, *a, **k: (told.wait(30), make(self, *a, **k))[1])
    with ThreadPoolExecutor(4) as pool:  # every opening of a lock file is a holder of its own, also in one process
        assert len({found.checksum for found in pool.map(load, ["mnist"] * 4)}) == 1
    assert len(archive.calls) == once
    assert "another process is making mnist ready" in capsys.readouterr().err


def test_unreadable_download_is_kept_aside_and_fetched_again(archive, tmp_path, capsys):
    first = load("mnist")
    (tmp_path / "cache" / "decoded" / cached(tmp_path)[0]).unlink()
    archive.broken = True
    assert load("mnist").checksum == first.checksum
    assert (tmp_path / "cache" / "downloads" / "mnist.damaged-1").exists()
    assert "cannot reshape" in capsys.readouterr().err


def test_failed_download_says_what_else_can_be_done(archive, monkeypatch):
    def fail(self, root, train, download):
        raise RuntimeError("Dataset not found" if not download else "no route to host")

    monkeypatch.setattr(archive, "__init__", fail)
    with pytest.raises(DataError, match=r"no route to host.*PVLIB_DATA"):
        load("mnist")


def test_colour_archives_have_channels_first(archive, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)

    class Part:
        data, targets = pixels, [0, 1, 1, 0, 1]

    split = download._split(Part)
    np.testing.assert_array_equal(split.images, pixels.transpose(0, 3, 1, 2))
    assert split.labels.tolist() == Part.targets
