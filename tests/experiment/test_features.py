"""Features: what would be wrong in a matrix of features, and what would be left behind in the model."""

import pytest
import torch
from torch import nn

from pvlib.experiment import precision
from pvlib.experiment.features import LayerError, extract


class Net(nn.Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=inplace)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.drop(self.relu(self.norm(self.conv(x))).mean((2, 3))))


LAYERS = {"pre": "norm", "post": "relu", "output": "head"}


@pytest.fixture
def images():
    return torch.randint(0, 256, (37, 1, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def net(**kwargs):
    torch.manual_seed(0)
    return Net(**kwargs)


def unit(batch):
    return batch.float() / 255


def hooks(model):
    return sum(len(m._forward_hooks) for m in model.modules())


def test_features_are_those_of_the_forward_pass_pooled_in_order_of_the_samples(images):
    model = net().eval()
    got = extract(model, images, LAYERS, batch_size=8, transform=unit)
    with torch.no_grad():
        pre = model.norm(model.conv(unit(images)))
        expected = {"pre": pre.mean((2, 3)), "post": pre.relu().mean((2, 3)), "output": model(unit(images))}
    assert list(got) == list(LAYERS)
    for name, value in expected.items():
        assert got[name].dtype == torch.float32
        assert got[name].device.type == "cpu"
        torch.testing.assert_close(got[name], value)
        assert not got[name].requires_grad and not got[name].is_inference()


def test_in_place_relu_does_not_overwrite_the_layer_before_it(images):
    plain, inplace = (extract(net(inplace=flag), images, LAYERS, transform=unit) for flag in (False, True))
    torch.testing.assert_close(plain["pre"], inplace["pre"])
    assert (inplace["pre"] < 0).any()


def test_in_place_relu_on_vectors_does_not_overwrite_the_layer_before_it():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True))
    x = torch.randn(9, 5, generator=torch.Generator().manual_seed(1))
    got = extract(model, x, ["0", "1", ""])
    torch.testing.assert_close(got["0"], model[0](x).detach())
    torch.testing.assert_close(got[""], got["1"])


def test_training_flags_are_restored_and_batchnorm_is_not_updated(images):
    model = net().train()
    model.norm.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    first = extract(model, images, LAYERS, transform=unit)
    assert model.training and model.drop.training and not model.norm.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    torch.testing.assert_close(first, extract(model, images, LAYERS, transform=unit))  # no dropout


def test_hooks_and_mode_are_restored_after_an_error(images):
    model = net().train()
    with pytest.raises(RuntimeError):
        extract(model, torch.zeros(4, 7, 6, 6), LAYERS)
    with pytest.raises(LayerError):
        extract(model, images, ["unused"], transform=unit)
    assert hooks(model) == 0
    assert model.training


def test_iterable_of_batches_with_labels_equals_the_tensor(images):
    model = net()
    batches = ((part, torch.zeros(len(part))) for part in images.split(10))
    whole, parts = (extract(model, x, LAYERS, transform=unit) for x in (images, batches))
    torch.testing.assert_close(whole, parts)


def test_unknown_layer_names_the_nearest(images):
    with pytest.raises(LayerError, match=r"'heat'.*'head'"):
        extract(net(), images, ["heat"], transform=unit)


def test_layer_that_is_never_reached_is_named(images):
    with pytest.raises(LayerError, match=r"'x' \(module 'unused'\) is never reached"):
        extract(net(), images, {"x": "unused"}, transform=unit)


def test_layer_used_twice_is_refused_rather_than_guessed():
    relu = nn.ReLU()
    with pytest.raises(LayerError, match="used 2 times"):
        extract(nn.Sequential(nn.Linear(3, 3), relu, nn.Linear(3, 3), relu), torch.zeros(2, 3), ["1"])


def test_layer_that_returns_a_tuple_or_a_sequence_is_refused():
    model = nn.Sequential(nn.LSTM(3, 3))
    with pytest.raises(LayerError, match="returns a tuple"):
        extract(model, torch.zeros(2, 5, 3), ["0"])
    with pytest.raises(LayerError, match=r"shape \(\d, 5, 3\): say how to pool"):
        extract(nn.Identity(), torch.zeros(2, 5, 3), [""])


def test_layer_that_mixes_samples_is_refused():
    with pytest.raises(LayerError, match="1 rows for 4 samples"):
        extract(Mix(), torch.zeros(4, 3), [""])


class Mix(nn.Module):
    def forward(self, x):
        return x.reshape(1, -1)


class Limited(nn.Module):
    """Runs out of memory above `most` samples."""

    def __init__(self, most, error):
        super().__init__()
        self.most, self.error, self.sizes = most, error, []
        self.first = nn.Identity()

    def forward(self, x):
        x = self.first(x)
        if len(x) > self.most:
            raise self.error
        self.sizes.append(len(x))
        return x


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GiB)"),
    ],
)
def test_out_of_memory_halves_the_batch_and_loses_or_repeats_no_sample(error, capsys):
    x = torch.arange(46.0).reshape(23, 2)
    model = Limited(3, error)
    got = extract(model, x, ["first", ""], batch_size=10)
    assert torch.equal(got["first"], x) and torch.equal(got[""], x)
    assert max(model.sizes) == 2 and "out of memory" in capsys.readouterr().err


def test_out_of_memory_at_one_sample_and_other_errors_are_raised():
    with pytest.raises(torch.OutOfMemoryError, match=r"one sample of shape \(2,\), beside a model of 0\.0 MB: no room"):
        extract(Limited(0, torch.OutOfMemoryError("no room")), torch.zeros(4, 2), [""])
    with pytest.raises(RuntimeError, match="something else"):
        extract(Limited(2, RuntimeError("something else")), torch.zeros(4, 2), [""])


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.filterwarnings("ignore:this cpu has no fast bfloat16")
def test_bfloat16_features_come_back_as_float32_and_near(images, fast, monkeypatch):
    """Computed in bfloat16 where that is fast, in float32 where it is not: whatever this machine is."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: fast)
    exact, rough = (extract(net(), images, LAYERS, transform=unit, precision=p) for p in ("float32", "bfloat16"))
    assert rough["output"].dtype == torch.float32
    assert torch.equal(exact["output"], rough["output"]) is not fast
    torch.testing.assert_close(exact, rough, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.filterwarnings("ignore:this cpu has no fast bfloat16")
def test_effective_precision_is_the_one_that_autocast_computes_in(fast, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: fast)
    x = torch.ones(2, 2)
    for asked in ("float32", "bfloat16"):
        with precision.autocast("cpu", asked):
            assert str((x @ x).dtype) == f"torch.{precision.effective(asked, 'cpu')}"
    assert precision.effective("bfloat16", "cpu") == ("bfloat16" if fast else "float32")


def test_bad_arguments_are_refused(images):
    with pytest.raises(ValueError, match="transform"):
        extract(net(), images, LAYERS)
    with pytest.raises(ValueError, match="precision"):
        extract(net(), images, LAYERS, transform=unit, precision="float16")
    with pytest.raises(ValueError, match="batch_size"):
        extract(net(), images, LAYERS, transform=unit, batch_size=0)
    with pytest.raises(ValueError, match="no sample"):
        extract(net(), [], LAYERS)


def test_model_without_parameters_and_progress_bar(capsys):
    x = torch.ones(3, 2)
    assert torch.equal(extract(nn.Identity(), x, [""], progress=True)[""], x)
    assert "features" in capsys.readouterr().err


def test_model_returns_to_its_own_device():
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    model = nn.Linear(3, 2)
    x = torch.randn(5, 3)
    torch.testing.assert_close(extract(model, x, [""], device="cuda")[""], model(x).detach(), atol=1e-3, rtol=1e-3)
    assert model.weight.device.type == "cpu"


class Permute(nn.Module):
    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return x.permute(self.order)


class LayerNorm2d(nn.LayerNorm):
    """As torchvision's: over the second dimension, though it is a LayerNorm."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    """Channels move to the end and back inside, and the sum is computed outside of any module."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.to_last, self.norm = Permute(0, 2, 3, 1), nn.LayerNorm(channels)
        self.wide, self.act, self.narrow = (
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.to_first = Permute(0, 3, 1, 2)

    def forward(self, x):
        return x + self.to_first(self.narrow(self.act(self.wide(self.norm(self.to_last(self.conv(x)))))))


class SwinLike(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.patch, self.to_last = nn.Conv2d(3, channels, 2, stride=2), Permute(0, 2, 3, 1)
        self.norm, self.mix, self.act = nn.LayerNorm(channels), nn.Linear(channels, channels), nn.GELU()

    def forward(self, x):
        x = self.to_last(self.patch(x))
        return x + self.act(self.mix(self.norm(x)))


PICTURES = torch.randn(5, 3, 12, 10, generator=torch.Generator().manual_seed(3))


def maps_of(model, names):
    """What the modules return."""
    seen = {}
    for name in names:
        model.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.detach()}))
    model.eval()(PICTURES)
    return seen


CONVNEXT = nn.Sequential(nn.Conv2d(3, 8, 2, stride=2), LayerNorm2d(8), ConvNextBlock(8), nn.ReLU())
TELLING = [
    (CONVNEXT, {"0": False, "1": False, "2.conv": False, "2.norm": True, "2.wide": True, "2.act": True}),
    (SwinLike(9), {"patch": False, "norm": True, "mix": True, "act": True, "": True}),
    (nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU()), {"1": False, "2": False, "": False}),
    (nn.Conv2d(3, 12, 1), {"": False}),  # as many channels as rows
]


@pytest.mark.parametrize(("model", "layouts"), TELLING)
def test_maps_are_averaged_over_their_positions_where_modules_tell_the_layout(model, layouts):
    found, maps = extract(model, PICTURES, list(layouts)), maps_of(model, layouts)
    for name, last in layouts.items():
        torch.testing.assert_close(found[name], maps[name].mean((1, 2) if last else (2, 3)))


SILENT = [
    (CONVNEXT, "2", False),
    (CONVNEXT, "2.to_last", True),
    (SwinLike(6), "to_last", True),
    (SwinLike(6), "", True),
]


@pytest.mark.parametrize(("model", "layer", "last"), SILENT)
def test_a_map_that_does_not_tell_its_layout_is_averaged_as_the_caller_says_and_never_by_a_guess(model, layer, last):
    with pytest.raises(LayerError, match=r"a map that does not tell its layout: pass channels_last=False .*pooling$"):
        extract(model, PICTURES, [layer])
    output = maps_of(model, [layer])[layer]
    for said in (False, True):
        found = extract(model, PICTURES, [layer], channels_last=said)[layer]
        torch.testing.assert_close(found, output.mean((1, 2) if said else (2, 3)))
    right = extract(model, PICTURES, [layer], channels_last=last)[layer]
    assert right.shape == (5, output.shape[3 if last else 1])


@pytest.mark.parametrize("name", ["swin_t", "convnext_tiny", "resnet18"])
def test_networks_of_torchvision_are_averaged_over_the_right_axes(name):
    from pvlib.experiment.torchvision_shim import import_torchvision

    channels, layers = {
        "swin_t": (768, ["features.7", "norm"]),
        "convnext_tiny": (768, ["features.7"]),
        "resnet18": (512, ["layer4"]),
    }[name]
    model, pictures = getattr(import_torchvision().models, name)(weights=None), torch.randn(2, 3, 64, 64)
    said = {"channels_last": False} if name == "convnext_tiny" else {}
    for features in extract(model, pictures, layers, **said).values():
        assert features.shape == (2, channels)
    if said:
        with pytest.raises(LayerError, match="layout"):
            extract(model, pictures, layers)


def test_pooling_by_a_function():
    class Tokens(nn.Module):
        def forward(self, x):
            return x, None

    x = torch.randn(7, 5, 3)
    found = extract(Tokens(), x, [""], pooling=lambda output: output[0][:, 0])[""]
    assert torch.equal(found, x[:, 0])
    with pytest.raises(
        LayerError, match=r"shape \(\d, 5, 3\) from the function given as pooling, not a tensor \(B, d\)"
    ):
        extract(Tokens(), x, [""], pooling=lambda output: output[0])
    with pytest.raises(ValueError, match=r"pooling is .*'median'"):
        extract(Tokens(), x, [""], pooling="median")
    with pytest.raises(TypeError, match="channels_last is True, False or None, got 'yes'"):
        extract(Tokens(), x, [""], channels_last="yes")


@pytest.mark.parametrize("drawing", [True, False])
def test_loader_with_a_random_sampler_is_refused(drawing):
    x = torch.randn(20, 3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=6, shuffle=drawing)
    if drawing:
        with pytest.raises(ValueError, match=r"DataLoader with a RandomSampler.*shuffle=False"):
            extract(nn.Identity(), loader, [""])
    else:
        assert torch.equal(extract(nn.Identity(), loader, [""])[""], x)


@pytest.mark.parametrize(("instructions", "pays"), [(False, False), (True, True)])
def test_bfloat16_that_the_processor_emulates_is_not_used(monkeypatch, instructions, pays):
    """oneDNN computes in bfloat16 on every AVX-512 processor, several times slower than in float32 where it has to emulate it."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True, raising=False)
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda: instructions, raising=False)
    assert precision.has_bfloat16(torch.device("cpu")) == (pays and torch.backends.mkldnn.is_available())
