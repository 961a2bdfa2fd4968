"""Augmentation: one draw for a whole batch, wrong distributions, hidden randomness, pixels that were never there."""

import pytest
import torch
import torch.nn.functional as F

from pvlib.experiment import augment
from pvlib.experiment.torchvision_shim import import_torchvision


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_images(*shape, seed=5):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator(seed))


ALL = {
    "crop": (3, lambda x, g: augment.crop(x, 2, g)),
    "crop_flip": (3, lambda x, g: augment.crop(x, 2, g, flip=True)),
    "views": (3, augment.views),
    "views_grey": (1, augment.views_grey),
}


@pytest.fixture(params=sorted(ALL))
def case(request):
    channels, function = ALL[request.param]
    return function, random_images(1, channels, 12, 12).expand(64, -1, -1, -1)


def test_same_generator_state_gives_the_same_batch_and_no_global_randomness_is_used(case):
    function, images = case
    torch.manual_seed(1)
    first = function(images, generator())
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(first, function(images, generator()))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, function(images, generator(1)))


def test_each_image_of_a_batch_has_its_own_draw(case):
    function, images = case
    assert len(function(images, generator()).flatten(1).unique(dim=0)) > 15


def test_input_is_left_alone_and_shape_and_range_are_kept(case):
    function, images = case
    before = images.clone()
    out = function(images, generator())
    assert torch.equal(images, before)
    assert out.shape == images.shape
    if out.dtype == torch.uint8:
        assert set(out.unique().tolist()) <= {0, *images.unique().tolist()}
    else:
        assert out.dtype == torch.float32 and out.min() >= 0 and out.max() <= 1


def test_float_images_are_augmented_like_uint8_ones(case):
    function, images = case
    out = function(images, generator())
    torch.testing.assert_close(augment.to_unit(out), function(images.float() / 255, generator()))


def test_crops_are_windows_of_the_padded_image_and_all_offsets_are_equally_likely():
    image = random_images(1, 3, 6, 5)
    padded = F.pad(image, (2, 2, 2, 2))
    windows = torch.stack([padded[0, :, i : i + 6, j : j + 5] for i in range(5) for j in range(5)])
    crops = augment.crop(image.expand(5000, -1, -1, -1), 2, generator())
    same = (crops[:, None] == windows).flatten(2).all(2)
    assert (same.sum(1) == 1).all()
    counts = same.sum(0).double()
    assert ((counts - 200) ** 2 / 200).sum() < 51.2  # chi squared, 24 degrees of freedom, 0.1 %


def test_half_of_the_crops_are_mirrored_and_the_rest_are_those_without_mirror():
    images = random_images(2000, 3, 6, 5)
    plain = augment.crop(images, 2, generator())
    out = augment.crop(images, 2, generator(), flip=True)
    mirrored = (out == plain.flip(3)).flatten(1).all(1)
    assert ((out == plain).flatten(1).all(1) ^ mirrored).all()
    assert 920 < mirrored.sum() < 1080


def test_normalise_is_the_formula_per_channel():
    images = random_images(4, 3, 5, 5)
    mean, std = torch.tensor([0.1, 0.5, 0.7], dtype=torch.float64), torch.tensor([0.2, 0.3, 0.4])
    out = augment.normalise(images, mean, std)
    assert out.dtype == torch.float32
    for c in range(3):
        torch.testing.assert_close(out[:, c], ((images[:, c].double() / 255 - mean[c]) / std[c]).float())


def test_normalise_leaves_images_that_are_floats_already_as_they_are():
    images = random_images(4, 3, 5, 5)
    given = augment.to_unit(images)
    out = augment.normalise(given, torch.full((3,), 0.5), torch.full((3,), 0.25))
    assert torch.equal(given, augment.to_unit(images))
    assert torch.equal(out, augment.normalise(images, torch.full((3,), 0.5), torch.full((3,), 0.25)))


def ramp(side):
    """Channel 0: the column of a pixel's centre, channel 1: its row, in [0, 1)."""
    at = (torch.arange(side) + 0.5) / side
    return torch.stack([at.expand(side, side), at[:, None].expand(side, side), torch.zeros(side, side)])


def boxes(views):
    """Centre and size of the boxes that views of `ramp` were cut from, as shares of the sides."""
    side = views.shape[2]
    a, b = side // 4, side - 1 - side // 4
    across = (views[:, 0, :, b] - views[:, 0, :, a]).mean(1) * side / (b - a)
    down = (views[:, 1, b] - views[:, 1, a]).mean(1) * side / (b - a)
    return torch.stack(
        [views[:, 0, :, [a, b]].mean((1, 2)), views[:, 1, [a, b]].mean((1, 2)), across.abs(), down.abs()], 1
    )


def test_resized_crops_have_the_distribution_of_torchvision():
    v2 = import_torchvision().transforms.v2
    count, side = 3000, 32
    image = ramp(side)
    grid = augment._boxes((count, 3, side, side), (0.2, 1.0), generator())
    ours = boxes(augment._sample(image.expand(count, -1, -1, -1), grid, "border"))
    crop = v2.RandomResizedCrop(side, scale=(0.2, 1.0), antialias=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = boxes(torch.stack([crop(image) for _ in range(count)]))
    for column in range(4):
        a, b = ours[:, column].sort().values, theirs[:, column].sort().values
        at = torch.cat([a, b])
        distance = (torch.searchsorted(a, at, right=True) - torch.searchsorted(b, at, right=True)).abs().max() / count
        assert distance < 1.95 * (2 / count) ** 0.5  # Kolmogorov-Smirnov, 0.1 %


def test_a_resized_crop_has_the_pixels_of_torchvision():
    resized_crop = import_torchvision().transforms.v2.functional.resized_crop
    image = random_images(1, 3, 16, 16).float() / 255
    grid = augment._boxes((20, 3, 16, 16), (0.1, 1.0), generator())
    ours = augment._sample(image.expand(20, -1, -1, -1), grid, "zeros")
    for view, box in zip(ours, grid, strict=True):
        height, width = (round(float(v) * 16) for v in (box[1, 1], box[0, 0]))
        top, left = round((float(box[1, 2]) + 1) * 8 - height / 2), round((float(box[0, 2]) + 1) * 8 - width / 2)
        theirs = resized_crop(image[0], top, left, height, width, [16, 16], antialias=False)
        # torchvision repeats the box's edge, we look one pixel beyond it.
        torch.testing.assert_close(view[:, 1:-1, 1:-1][:, 2:-2, 2:-2], theirs[:, 3:-3, 3:-3], atol=1e-5, rtol=1e-5)


def test_half_of_the_views_are_mirrored():
    views = augment.views((255 * ramp(32)).to(torch.uint8).expand(2000, -1, -1, -1), generator(), strength=0.0)
    mirrored = (views[:, :, :, -1].mean((1, 2)) < views[:, :, :, 0].mean((1, 2))).sum()
    assert 920 < mirrored < 1080


def luma(images):
    return (images * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1)


def hue_angle(colours):
    r, g, b = colours.T
    return torch.atan2(3**0.5 * (g - b), 2 * r - g - b)


@pytest.mark.parametrize("hue", [0.0, 0.1])
def test_colour_jitter_has_the_strength_of_torchvision(hue):
    v2 = import_torchvision().transforms.v2
    count = 1500
    # Two muted colours side by side, one lighter: nothing is cut at 0 or 1, and contrast has something to act on.
    image = torch.tensor([[0.6, 0.35], [0.5, 0.4], [0.48, 0.45]])[:, None].expand(3, 4, 2)
    ours = augment._recolour(image.expand(count, -1, -1, -1), *augment._colour(count, 0.5, generator()))
    jitter = v2.Compose([v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, hue)], p=0.8), v2.RandomGrayscale(p=0.2)])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torch.stack([jitter(image) for _ in range(count)])

    def facts(views):
        light, chroma = luma(views), views.amax(1) - views.amin(1)
        if hue:  # torchvision turns hue in HSV, which shifts luma too; ours keeps it
            return {
                "grey": (chroma.amax((1, 2)) < 1e-5).float().mean(),
                "chroma": chroma.mean(),
                "chroma sd": chroma.mean((1, 2)).std(),
                "hue sd": hue_angle(views[:, :, 0, 0])[chroma[:, 0, 0] > 1e-3].std(),
            }
        return {
            "luma": light.mean(),
            "luma sd": light.mean((1, 2)).std(),
            "contrast": (light[:, 0, 0] - light[:, 0, 1]).mean(),
            "contrast sd": (light[:, 0, 0] - light[:, 0, 1]).std(),
        }

    ours, theirs = facts(ours), facts(theirs)
    for name in ours:
        assert abs(ours[name] - theirs[name]) < (0.3 if name == "hue sd" else 0.12) * theirs[name], (
            name,
            ours[name],
            theirs[name],
        )


def test_grey_pixels_stay_grey_and_neutral_jitter_changes_nothing():
    image = random_images(1, 1, 8, 8).expand(50, 3, 8, 8).float() / 255
    out = augment._recolour(image, *augment._colour(50, 0.5, generator()))
    torch.testing.assert_close(out, out[:, :1].expand_as(out), atol=1e-5, rtol=0)
    colour = random_images(200, 3, 8, 8).float() / 255
    out = augment._recolour(colour, *augment._colour(200, 0.0, generator()))
    same = (out - colour).abs().amax((1, 2, 3)) < 1e-5
    assert 130 < same.sum() < 185  # the others lost their colour
    torch.testing.assert_close(out[~same], luma(colour[~same])[:, None].expand(-1, 3, -1, -1), atol=1e-5, rtol=0)


def test_one_channel_and_colour_are_not_confused():
    with pytest.raises(ValueError, match="views_grey"):
        augment.views(random_images(2, 1, 8, 8), generator())
    with pytest.raises(ValueError, match="for three: views"):
        augment.views_grey(random_images(2, 3, 8, 8), generator())


def test_grey_views_rotate_without_shear_within_the_limit_and_never_mirror():
    # A vertical bar: its two ends tell the angle, and a blob at its upper right tells a mirror image.
    image = torch.zeros(1, 1, 41, 41, dtype=torch.uint8)
    image[..., 8:33, 20] = 255
    views = augment.views_grey(image.expand(500, -1, -1, -1), generator(), scale=(1.0, 1.0), brightness=0.0)
    column = torch.arange(41.0)
    weight = views[:, 0].clamp(min=1e-9)
    centre = (weight * column).sum(2) / weight.sum(2)
    angle = torch.atan((centre[:, 12] - centre[:, 28]) / 16).rad2deg()
    assert 13 < angle.max() <= 15.6 and -15.6 <= angle.min() < -13
    assert abs(angle.mean()) < 1.5
    image[..., 10:14, 24:28] = 255
    views = augment.views_grey(image.expand(300, -1, -1, -1), generator(), scale=(0.8, 1.0), degrees=0.0)
    upper, lower = ((part.sum(1) * column).sum(1) / part.sum((1, 2)) for part in (views[:, 0, :20], views[:, 0, 20:]))
    assert (upper > lower + 1).all()


def test_brightness_of_grey_views_stays_within_its_limit():
    image = torch.full((400, 1, 9, 9), 128, dtype=torch.uint8)
    middle = augment.views_grey(image, generator(), degrees=0.0, brightness=0.3)[:, 0, 4, 4] * 255 / 128
    assert 0.7 - 1e-5 <= middle.min() < 0.72 and 1.28 < middle.max() <= 1.3 + 1e-5


@pytest.mark.parametrize("name", ["views", "views_grey"])
def test_views_of_a_bfloat16_recipe_are_those_of_float32_but_for_rounding(name):
    """Training makes them where the network's products are rounded to bfloat16, and so are those of colours and boxes."""
    channels, function = ALL[name]
    smooth = F.avg_pool2d(random_images(1, channels, 40, 40).float(), 9, stride=1)  # 32x32, neighbours alike
    images = smooth.expand(256, -1, -1, -1).round().to(torch.uint8)
    exact = function(images, generator())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = function(images, generator()).float()
    error = (rounded - exact).abs()
    assert 0 < error.max() < 0.05 and error.mean() < 0.01
