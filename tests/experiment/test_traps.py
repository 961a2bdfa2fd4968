"""What users of feature extractors stumble over: each either works, or is refused in one line."""

import collections
import dataclasses
import re
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from pvlib.doctor import FeatureWarning
from pvlib.experiment.features import LayerError, extract, layers

X = torch.randn(13, 3, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randn(13, 5, 6, generator=torch.Generator().manual_seed(1))
MAPS = torch.randn(13, 3, 8, 8, generator=torch.Generator().manual_seed(2))


class Encoding(collections.UserDict):
    """What a tokenizer gives."""


@dataclasses.dataclass
class Output:
    last_hidden_state: torch.Tensor
    pooler_output: torch.Tensor


Pair = collections.namedtuple("Pair", "first second")


class Text(nn.Module):
    """Stands for a transformer of a hub: keyword arguments in, a dataclass out."""

    def __init__(self, form=Output):
        super().__init__()
        self.embed = nn.Embedding(50, 6)
        self.norm = nn.LayerNorm(6)
        self.form = form

    def forward(self, input_ids, attention_mask=None):
        hidden = self.norm(self.embed(input_ids)) * attention_mask[..., None]
        return self.form(hidden, hidden[:, 0])


IDS = torch.randint(0, 50, (13, 5), generator=torch.Generator().manual_seed(3))
ENCODED = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}


def made(model):
    torch.manual_seed(0)
    return model()


def small():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


@pytest.mark.parametrize("wanted", ["2", ["2"], ("2",), {"mine": "2"}])
def test_one_name_gives_one_tensor_and_several_a_dict(wanted):
    model = made(small)
    found, expected = extract(model, X, wanted), model(X).detach()
    if isinstance(wanted, str):
        torch.testing.assert_close(found, expected)
    else:
        assert list(found) == ["mine" if isinstance(wanted, dict) else "2"]
        torch.testing.assert_close(*found.values(), expected)


@pytest.mark.parametrize(("name", "hint"), [("layer4", "lists all"), ("norms", "did you mean 'norm'")])
def test_only_a_name_that_is_near_is_suggested(name, hint):
    with pytest.raises(LayerError, match=f"has no layer '{name}': .*{hint}") as caught:
        extract(Text(), ENCODED, name)
    assert ("did you mean" in str(caught.value)) == ("did you mean" in hint)


class XY(torch.utils.data.Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, place):
        return X[place], place


INPUTS = {
    "tensor": X,
    "float64 tensor": X.double(),
    "NumPy": X.numpy(),
    "NumPy, float64, every second of twice as many": np.repeat(X.numpy().astype(np.float64), 2, axis=0)[::2],
    "NumPy, upside down": X.numpy()[::-1].copy()[::-1],
    "(x, y)": (X, torch.arange(13)),
    "(x, y) of NumPy in a list": [X.numpy(), np.arange(13)],
    "batches": [X[:6], X[6:]],
    "pieces of torch.split": X.split(4),
    "batches of NumPy": [X[:6].numpy(), X[6:].numpy()],
    "batches of (x, y)": [(X[:6], torch.arange(6)), (X[6:], torch.arange(7))],
    "loader of lists [x, y]": torch.utils.data.DataLoader(XY(), batch_size=4),
    "data set": XY(),
    "mapping": {"input": X},
    "mapping of NumPy": {"input": X.numpy()},
    "BatchEncoding": Encoding(input=X),
    "batches of mappings": [{"input": X[:6]}, {"input": X[6:]}],
}


@pytest.mark.parametrize("form", INPUTS)
@pytest.mark.parametrize("batch_size", [None, 5])
def test_every_form_of_input_gives_the_features_of_all_samples_in_order(form, batch_size):
    model = made(small)
    torch.testing.assert_close(extract(model, INPUTS[form], "", batch_size=batch_size), model(X).detach())


REFUSED_INPUTS = [
    ((X, X), ValueError, "two arrays of one shape"),
    ({"pixels": X}, ValueError, r"takes no argument 'pixels' \(it takes input\)"),
    ({"input": X, "mask": X[:5]}, ValueError, "no common number of samples"),
    ("images", TypeError, "a batch is a str"),
    (7, TypeError, "inputs are a int"),
]


@pytest.mark.parametrize(("inputs", "kind", "text"), REFUSED_INPUTS)
def test_inputs_that_can_mean_two_things_or_nothing_are_refused(inputs, kind, text):
    with pytest.raises(kind, match=text):
        extract(nn.Linear(3, 2), inputs, "")


class Lstm(nn.Module):
    def __init__(self, batch_first=True):
        super().__init__()
        self.lstm = nn.LSTM(6, 4, batch_first=batch_first)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), 2)

    def forward(self, x):
        return self.encoder(x)


POOLED = [  # model, inputs, layer, pooling, what of the output it is
    (Lstm, TOKENS, "head", "mean", lambda m: m(TOKENS).mean(1)),
    (Lstm, TOKENS, "head", "cls", lambda m: m(TOKENS)[:, 0]),
    (Lstm, TOKENS, "head", "flatten", lambda m: m(TOKENS).flatten(1)),
    (Lstm, TOKENS, "head", lambda out: out[:, -1], lambda m: m(TOKENS)[:, -1]),
    (Lstm, TOKENS, "lstm:0", "mean", lambda m: m.lstm(TOKENS)[0].mean(1)),
    (Lstm, TOKENS, "lstm", lambda out: out[1][0][-1], lambda m: m.lstm(TOKENS)[1][0][-1]),
    (Encoder, TOKENS, "encoder", "cls", lambda m: m(TOKENS)[:, 0]),
    (Encoder, TOKENS, "encoder.layers.0", "mean", lambda m: m.encoder.layers[0](TOKENS).mean(1)),
    (Text, ENCODED, ":last_hidden_state", "mean", lambda m: m(**ENCODED).last_hidden_state.mean(1)),
    (Text, ENCODED, ":pooler_output", None, lambda m: m(**ENCODED).pooler_output),
    (lambda: Text(Pair), ENCODED, ":1", None, lambda m: m(**ENCODED)[1]),
    (lambda: Text(Pair), ENCODED, ":second", None, lambda m: m(**ENCODED)[1]),
    (lambda: Text(lambda a, b: {"a": {"b": b}}), ENCODED, ":a:b", None, lambda m: m(**ENCODED)["a"]["b"]),
    (lambda: nn.Conv1d(5, 4, 3), TOKENS, "", "mean", lambda m: m(TOKENS).mean(2)),
    (lambda: nn.Conv2d(3, 4, 3), MAPS, "", None, lambda m: m(MAPS).mean((2, 3))),
    (lambda: nn.Conv2d(3, 4, 3), MAPS, "", "flatten", lambda m: m(MAPS).flatten(1)),
]


@pytest.mark.parametrize("case", range(len(POOLED)))
def test_pooling_is_what_the_caller_says(case):
    make, inputs, layer, pooling, expected = POOLED[case]
    model = made(make).eval()
    with torch.no_grad():
        wanted = expected(model)
    torch.testing.assert_close(extract(model, inputs, layer, pooling=pooling), wanted, atol=1e-5, rtol=1e-4)


NEVER_GUESSED = [  # model, inputs, layer, options, the line
    (Lstm, TOKENS, "head", {}, 'pooling="mean", "cls"'),
    (Lstm, TOKENS, "lstm", {}, "a tuple of 0, 1, not a tensor: name one part, as in 'layer:0'"),
    (Lstm, TOKENS, "lstm:5", {}, "has no part '5'"),
    (Lstm, TOKENS, "lstm:1:0", {"pooling": "mean"}, "1 rows for 13 samples"),
    (lambda: Lstm(False), TOKENS.transpose(0, 1), "head", {"pooling": "mean"}, "which dimension holds the samples"),
    (lambda: Lstm(False), TOKENS, "head", {"pooling": "mean"}, "batch_first=False"),
    (Text, ENCODED, "", {}, "a Output of last_hidden_state, pooler_output"),
    (Text, ENCODED, ":logits", {}, "has no part 'logits'"),
    (lambda: nn.Conv2d(3, 4, 3), MAPS, "", {"pooling": "cls"}, "the first of the tokens"),
    (lambda: nn.Conv1d(5, 4, 3), TOKENS, "", {"pooling": "cls"}, "the first of the tokens"),
    (nn.Identity, TOKENS, "", {"pooling": "mean"}, "does not tell its layout"),
    (lambda: nn.Flatten(0), X, "", {}, "not features"),
]


@pytest.mark.parametrize("case", range(len(NEVER_GUESSED)))
def test_what_may_mean_two_things_is_refused_in_one_line(case):
    make, inputs, layer, options, text = NEVER_GUESSED[case]
    with pytest.raises(LayerError, match=text) as caught:
        extract(made(make), inputs, layer, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [False, True])
def test_compiled_models_are_read_by_their_own_names_and_every_hook_fires(part):
    model = made(small)
    expected = extract(model, X, ["0", "2"])
    if part:
        model[0] = torch.compile(model[0], backend="eager")
    else:
        model = torch.compile(model, backend="eager")
    model(X)  # compiled code exists, and knows of no hook
    torch.testing.assert_close(extract(model, X, ["0", "2"]), expected)
    assert [each.name for each in layers(model, X)] == ["0", "1", "2", ""]


def test_layers_lists_shapes_and_what_each_needs():
    listed = {each.name: each for each in layers(made(Lstm), TOKENS)}
    assert list(listed) == ["lstm:0", "lstm:1:0", "lstm:1:1", "head", ""]
    assert listed["head"].shape == (2, 5, 2) and 'pooling="mean"' in listed["head"].note
    relu = nn.ReLU()
    listed = {each.name: each for each in layers(nn.Sequential(nn.Conv2d(3, 4, 3), relu, relu, nn.Flatten()), MAPS)}
    assert listed["0"].note == "averaged over positions" and listed["3"].note == ""
    assert "used 2 times" in listed["1"].note
    with pytest.raises(LayerError, match="used 2 times"):
        extract(nn.Sequential(relu, relu), X, "0")


@pytest.mark.parametrize("shape", [(3, 32, 32), (64,)])
def test_the_batch_size_by_itself_changes_no_feature_and_is_small_where_activations_are_large(shape):
    sizes = []

    class Seen(nn.Module):
        def forward(self, x):
            sizes.append(len(x))
            return x

    x = torch.randn(600, *shape)
    found = extract(nn.Sequential(Seen(), nn.Flatten(1)), x, "1")
    assert torch.equal(found, x.flatten(1))
    assert max(sizes) == (128 if len(shape) == 3 else 512)


def told(model, inputs, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        extract(model, inputs, "", **options)
    return [str(w.message) for w in caught if issubclass(w.category, FeatureWarning)]


class Dropping(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.5)  # whatever the mode


class Stubborn(nn.Dropout):
    def train(self, mode=True):
        return self


DOCTOR = [
    (nn.Identity, X, None),
    (lambda: nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)), X, None),
    (Dropping, X.repeat(1, 50), "something is random, or computed over the batch"),
    (lambda: nn.BatchNorm1d(3, track_running_stats=False), X, "computed over the batch"),
    (Stubborn, X, "stays in training mode"),
    (nn.Identity, X * torch.tensor([1, 0, 1]), "1 of 3 features of layer '' are constant, 1 of them always 0"),
    (nn.Identity, X * torch.tensor([1, 0, 1]) + 2, "1 of 3 features of layer '' are constant"),
    (nn.Identity, torch.cat([X, X[:2]]), "2 of 15 rows of layer '' repeat another row"),
    (
        nn.Identity,
        torch.cat([X, X[:1] / 0]),
        "layer '' holds -?inf at row 13, column 0; entries that are not finite: 3",
    ),
]


@pytest.mark.parametrize("case", range(len(DOCTOR)))
def test_the_doctor_says_in_one_line_what_is_wrong_and_nothing_of_healthy_features(case):
    make, inputs, line = DOCTOR[case]
    heard = told(made(make), inputs)
    assert not told(made(make), inputs, check=False)
    if line is None:
        assert not heard
    else:
        assert len(heard) == 1 or case == 4
        assert re.search(line, heard[0])
