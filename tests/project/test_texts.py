"""Texts of the repository: which other hosts they name, and what they never load."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Places that a reader may be sent to. A package registry or mirror is not one: pip, conda and npm know their own.
KNOWN_HOSTS = {
    "arxiv.org", "colab.research.google.com", "doi.org", "github.com", "mybinder.org", "openreview.net", "pytorch.org",
    "www.w3.org",
}  # fmt: skip
NOT_OURS = ("book/_vendor/", "results/")
BINARY = {".png", ".parquet", ".safetensors", ".woff", ".npy"}
PICKLES = {
    "pickle": re.compile(r"\b(pickle|dill|cloudpickle|joblib)\.loads?\(|Unpickler\("),
    "NumPy's pickles": re.compile(r"allow_pickle\s*=\s*True"),
    "pandas' pickles": re.compile(r"read_pickle"),
    "torch's pickles": re.compile(r"torch\.load\((?![^\n]*weights_only\s*=\s*True)"),
    "any YAML object": re.compile(r"yaml\.(unsafe_load|full_load|load)\("),
}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Tracked text files of our own."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    names = [name for name in listed.split("\0") if name and not name.startswith(NOT_OURS)]
    files = {name: ROOT / name for name in names if Path(name).suffix not in BINARY}
    return {name: path.read_text() for name, path in files.items() if path.is_file()}


def test_only_known_hosts_are_named(texts):
    foreign = set()
    for name, text in texts.items():
        for address in re.findall(r"https?://[^\s\"'<>)\]}`]+", text):
            host = urlsplit(address).hostname
            if (
                host
                and host not in KNOWN_HOSTS
                and not host.endswith(".example")
                and name != "tests/project/test_texts.py"
            ):
                foreign.add((name, host))
    assert foreign == set()


@pytest.mark.parametrize("what", PICKLES)
def test_no_pickle_is_loaded(texts, what):
    ours = {
        n: t for n, t in texts.items() if n.startswith(("pvlib/", "scripts/", "notebooks/", "benchmarks/", "book/"))
    }
    assert [name for name, text in ours.items() if PICKLES[what].search(text)] == []


def test_notebooks_are_committed_clean(texts):
    import nbformat

    for name, text in texts.items():
        if not name.startswith("notebooks/"):
            continue
        notebook = nbformat.reads(text, as_version=4)
        assert [c for c in notebook.cells if c.get("outputs") or c.get("execution_count")] == [], name
        assert any("parameters" in c.metadata.get("tags", []) for c in notebook.cells), f"{name}: no parameters cell"


def test_every_chapter_and_page_is_in_the_table_of_contents(texts):
    import yaml

    toc = yaml.safe_load(texts["book/_toc.yml"])
    entries = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    pages = [n.removeprefix("book/").removesuffix(".md") for n in texts if re.fullmatch(r"book/\w+\.md", n)]
    chapters = [n.removesuffix(".ipynb") for n in texts if n.startswith("notebooks/")]
    assert sorted(entries) == sorted([*pages, *chapters])
