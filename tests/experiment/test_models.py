"""Networks: their sizes, their named layers, and that building one touches nothing else."""

import pytest
import torch
from torch import nn

from pvlib.experiment.features import extract
from pvlib.experiment.models import ARCHITECTURES, build, calibrate_batchnorm

DIGIT, CIFAR = (1, 8, 8), (3, 32, 32)
LARGE = ("vgg16_bn", "resnet18", "simclr_resnet18", "resnet56")
SMALL_ENOUGH = [name for name in ARCHITECTURES if name not in LARGE]
TWINS = [name for name in SMALL_ENOUGH if name.endswith(("_centred", "_standardised"))]


def network(name, shape=DIGIT, **options):
    return build(name, shape, 10, generator_seed=1, **options)


def images(shape=DIGIT, count=4):
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "published"),
    [("resnet20", 269_722), ("resnet56", 853_018), ("resnet18", 11_173_962), ("vgg16_bn", 14_728_266)],
)
def test_a_named_architecture_has_the_published_number_of_parameters(name, published):
    assert sum(p.numel() for p in network(name, CIFAR).parameters()) == published


def test_the_perceptron_is_784_512_256_10():
    shapes = [tuple(p.shape) for p in network("mlp", (1, 28, 28)).parameters() if p.ndim == 2]
    assert shapes == [(512, 784), (256, 512), (10, 256)]


@pytest.mark.parametrize("shape", [DIGIT, (1, 28, 28), CIFAR])
@pytest.mark.parametrize("name", SMALL_ENOUGH)
def test_every_named_layer_fires_once_with_one_row_an_image(name, shape):
    model = network(name, shape)
    found = extract(model, images(shape), model.layers)
    assert {"earlier", "penultimate", "output"} <= set(found) <= {"earlier", "penultimate_pre", "penultimate", "output"}
    assert all(value.shape[0] == 4 and value.isfinite().all() for value in found.values())
    torch.testing.assert_close(found["output"], model.eval()(images(shape)).detach())


@pytest.mark.parametrize("name", [name for name in SMALL_ENOUGH if name not in TWINS])
def test_penultimate_is_read_after_its_relu_and_its_pre_before(name):
    model = network(name)
    if "penultimate_pre" not in model.layers:
        assert ARCHITECTURES[name].objective == "reconstruction"
        return
    seen = {}
    for layer in ("penultimate_pre", "penultimate"):
        module = model.get_submodule(model.layers[layer])
        module.register_forward_hook(lambda _, __, out, layer=layer: seen.update({layer: out.clone()}))
    model.eval()(images())
    assert (seen["penultimate_pre"] < 0).any()
    assert torch.equal(seen["penultimate"], seen["penultimate_pre"].relu())


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_differs_from_its_network_by_the_mean_of_what_its_head_reads_alone(name):
    plain_name, kind = name.rsplit("_", 1)
    plain, twin = network(plain_name), network(name)
    for mine, theirs in zip(twin.parameters(), plain.parameters(), strict=True):  # no parameter more, the same start
        assert torch.equal(mine, theirs)
    batch = images(count=64)
    seen = {}
    for model in (plain, twin):
        module = model.head if model is plain else model.get_submodule(model.layers["penultimate"])
        module.register_forward_hook(lambda _, given, out, model=model: seen.update({model: (given[0], out)}))
        model.train()(batch)
    read, (_, given) = seen[plain][0], seen[twin]
    expected = read - read.mean(0)
    if kind == "standardised":
        expected = expected / (read.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(given, expected)


def test_a_twin_in_evaluation_takes_away_the_running_mean_and_so_does_its_calibrated_copy():
    twin = network("mlp_centred")
    batches = [images(count=32), images(count=32) + 1]
    calibrate_batchnorm(twin, batches)
    found = extract(twin, torch.cat(batches), {"penultimate": "head.0"})["penultimate"]
    assert found.mean(0).abs().max() < 1e-5
    assert extract(twin, batches[0], {"penultimate": "head.0"})["penultimate"].mean(0).abs().max() > 1e-3


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_operation_is_in_place_so_that_hooks_read_what_was_there(name):
    assert not any(getattr(module, "inplace", False) for module in network(name, CIFAR).modules())


@pytest.mark.parametrize("name", ["resnet20", "simclr_resnet20"])
def test_a_residual_network_s_penultimate_is_what_its_head_reads(name):
    model = network(name)
    found = extract(model, images(), {"map": model.layers["penultimate"], "read": "flatten"})
    torch.testing.assert_close(found["map"], found["read"])


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if n.endswith(("ae", "dae", "vae"))])
def test_an_autoencoder_s_reconstruction_is_flat_and_within_the_pixels_range(name):
    model = network(name, width=16).eval()
    output = model(images())
    assert output.shape == (4, 64)
    assert output.min() >= 0
    assert output.max() <= 1
    latent = extract(model, images(), {"z": model.layers["penultimate"]})["z"]
    assert latent.shape == (4, 16)
    assert (latent < 0).any(), "a latent without ReLU has negative entries"


def test_contrastive_networks_measure_the_encoder_and_not_the_projection():
    model = network("simclr_lenet")
    found = extract(model, images(), model.layers)
    assert found["penultimate"].shape == (4, 128)
    assert found["output"].shape == (4, 64)


def test_digits_get_no_layer_wider_than_128():
    for name, width in (("mlp", 128), ("lenet", None), ("resnet20", None), ("mlp_ae", 32), ("conv_ae", 32)):
        model = network(name, width=width)
        found = extract(model, images(), model.layers)
        assert all(value.shape[1] <= 128 for value in found.values()), name


def test_building_neither_uses_nor_disturbs_the_global_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = network("resnet20").state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    second = network("resnet20").state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_another_seed_gives_other_weights():
    first, second = (build("mlp", DIGIT, 10, generator_seed=s).hidden1.weight for s in (1, 2))
    assert not torch.equal(first, second)


def test_a_simclr_encoder_is_the_classifier_s_trunk():
    trunk, encoder = (dict(network(name).named_parameters()) for name in ("lenet", "simclr_lenet"))
    assert {n for n in trunk if "head" not in n} == {n for n in encoder if "head" not in n}


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean resnet20"):
        network("resnet-20")


@pytest.mark.parametrize(("name", "shape"), [("vgg16_bn", DIGIT), ("conv_ae", (1, 30, 30))])
def test_an_image_that_does_not_fit_is_refused(name, shape):
    with pytest.raises(ValueError, match=r"needs sides|halves the image"):
        network(name, shape)


def test_calibration_sets_statistics_to_the_mean_over_batches_and_nothing_else():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout())
    model[1].eval()
    weights = [p.clone() for p in model.parameters()]
    batches = [images(CIFAR), images(CIFAR) * 3]
    calibrate_batchnorm(model, batches)
    expected = sum(batch.mean((0, 2, 3)) for batch in batches) / 2
    torch.testing.assert_close(model[0].running_mean, expected)
    assert model[0].training
    assert not model[1].training
    assert model[0].momentum == 0.1
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))


def test_calibration_without_data_is_an_error():
    with pytest.raises(ValueError, match="at least one batch"):
        calibrate_batchnorm(network("resnet20"), [])
