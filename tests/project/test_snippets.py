"""What a reader copies from README, the book's pages and the visible cells of chapter 9 runs, with small stand-ins."""

import collections
import dataclasses
import json
import re
import warnings
from pathlib import Path

import pytest

from pvlib.report.tables import available

torch = pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parents[2]
HIDDEN = {"remove-cell", "remove-input", "parameters"}


@dataclasses.dataclass
class Output:
    last_hidden_state: torch.Tensor


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.norm = torch.nn.Embedding(30, 8), torch.nn.LayerNorm(8)

    def forward(self, input_ids, attention_mask=None):
        return Output(self.norm(self.embed(input_ids)))


def network(layer: str) -> torch.nn.Module:
    """A network with a layer of that dotted name."""
    model = torch.nn.Sequential(collections.OrderedDict(start=torch.nn.Conv2d(3, 6, 3), relu=torch.nn.ReLU()))
    *outer, last = layer.split(".")
    inner = torch.nn.Conv2d(6, 4, 3)
    for name in [last, *reversed(outer)]:
        inner = torch.nn.Sequential(collections.OrderedDict({name: inner}))
    for name, module in inner.named_children():
        model.add_module(name, module)
    return model


def tokenizer(texts, **options):
    ids = torch.randint(0, 30, (len(texts), 7))
    return collections.UserDict(input_ids=ids, attention_mask=torch.ones_like(ids))


STAND_INS = {
    "README.md": lambda: {
        "model": network("layer4"), "other": network("encoder.head"), "images": torch.rand(50, 3, 9, 9),
    },
    "book/index.md": lambda: {
        "my_model": network("layer4"), "other_model": network("backbone.norm"), "images": torch.rand(50, 3, 9, 9),
    },
    "book/use.md": lambda: {"tokenizer": tokenizer, "encoder": Encoder(), "texts": ["a text"] * 40},
    "book/installation.md": dict,
    "notebooks/09_your_model.ipynb": dict,
}  # fmt: skip


def snippets(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".md"):
        return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return ["".join(c["source"]) for c in cells if not HIDDEN & set(c["metadata"].get("tags", ()))]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("page", STAND_INS)
def test_snippets_run_as_they_are_copied(page, tmp_path, monkeypatch):
    found = snippets(page)
    assert found, "the page has no snippet"
    if "place(" in "".join(found) and "digits" not in available():
        pytest.skip("no study is published")
    if "dask" in "".join(found):
        pytest.importorskip("dask.array")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    namespace = {"__name__": "__main__", **STAND_INS[page]()}
    for number, code in enumerate(found, 1):
        exec(compile(code, f"{page}, snippet {number}", "exec"), namespace)


def test_every_page_with_snippets_of_the_library_is_executed():
    pages = [ROOT / "README.md", *(ROOT / "book").glob("*.md")]
    ours = {str(page.relative_to(ROOT)) for page in pages if any("from pvlib" in code for code in snippets(str(page)))}
    assert ours <= set(STAND_INS)


def test_healthy_features_of_the_snippets_raise_no_warning():
    from pvlib import extract

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extract(network("layer4"), torch.rand(50, 3, 9, 9), "layer4")
