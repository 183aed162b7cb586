"""Depth noise: its statistics, and that it keeps to the rules of a depth image."""

import numpy as np
import pytest
from scipy.ndimage import zoom

from envs.cameras import dex_noise, norm_noise, trans_noise
from envs.cameras.sensor_noise import resize_bilinear
from geometry import InputError


def flat(depth=1.0, shape=(48, 64)):
    image = np.full(shape, depth, dtype=np.float32)
    image[:4] = 0.0
    return image


def test_dex_gamma_factor_has_mean_one_and_sigma_of_three_per_cent():
    rng = np.random.default_rng(0)
    image = np.ones((1, 1), np.float32)
    factors = np.array([dex_noise(image, rng, field_rate=0.0)[0, 0] for _ in range(20_000)])
    assert factors.mean() == pytest.approx(1.0, abs=0.001)
    assert factors.std() == pytest.approx(np.sqrt(1000) * 0.001, rel=0.03)


def test_dex_field_comes_half_of_the_time_with_its_sigma_at_a_quarter_of_the_resolution():
    rng = np.random.default_rng(1)
    spreads = [dex_noise(np.ones((48, 64), np.float32), rng)[4:-4, 4:-4].std() for _ in range(400)]
    with_field = np.array(spreads) > 1e-6
    assert 0.43 < with_field.mean() < 0.57
    # Bilinear at phases 1/8, 3/8, 5/8, 7/8 keeps (49 + 1 + 25 + 9) / 128 of the variance along each axis.
    kept = (((7 / 8) ** 2 + (1 / 8) ** 2) + ((5 / 8) ** 2 + (3 / 8) ** 2)) / 2
    assert np.array(spreads)[with_field].mean() == pytest.approx(0.005 * kept, rel=0.03)


def test_dex_draws_in_the_order_of_the_published_code():
    """Gamma factor, then the coin, then the field: written out once more with other tools."""
    image = np.random.default_rng(5).uniform(0.3, 1.0, (48, 64)).astype(np.float32)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        expected = image * rng.gamma(1000.0, 0.001)
        if rng.random() < 0.5:
            coarse = 0.005 * rng.standard_normal((12, 16))
            expected = expected + zoom(coarse, 4, order=1, mode="grid-constant", grid_mode=True)
        np.testing.assert_allclose(dex_noise(image, np.random.default_rng(seed)), expected, atol=1e-6)


def test_resize_gives_hand_computed_numbers_and_fades_at_the_border():
    # Pixel centres of 2 -> 4 fall at -0.25, 0.25, 0.75, 1.25; outside is zero.
    np.testing.assert_allclose(resize_bilinear(np.array([[1.0, 3.0]]), (1, 4)), [[0.75, 1.5, 2.5, 2.25]])


@pytest.mark.parametrize("shape", [(480, 640), (37, 41), (100, 130)])
def test_resize_is_scipys_bilinear_zoom(shape):
    image = np.random.default_rng(0).normal(size=(shape[0] // 4, shape[1] // 4))
    factors = [target / size for target, size in zip(shape, image.shape, strict=True)]
    np.testing.assert_allclose(
        resize_bilinear(image, shape), zoom(image, factors, order=1, mode="grid-constant", grid_mode=True), atol=1e-12
    )


@pytest.mark.parametrize("noise", [dex_noise, trans_noise, norm_noise])
def test_noise_keeps_holes_copies_its_input_and_repeats_with_its_seed(noise):
    image = flat()
    given = image.copy()
    noisy = noise(image, np.random.default_rng(3))
    np.testing.assert_array_equal(image, given)
    assert noisy.dtype == np.float32 and noisy.shape == image.shape
    if noise is not trans_noise:
        assert not noisy[:4].any()
    assert (noisy >= 0.0).all() and (noisy != image).any()
    np.testing.assert_array_equal(noisy, noise(image, np.random.default_rng(3)))
    assert (noisy != noise(image, np.random.default_rng(4))).any()
    with pytest.raises(InputError, match=r"\(H, W\)"):
        noise(image[None], np.random.default_rng(0))


def test_norm_and_trans_have_their_sigmas():
    image = np.ones((200, 200), np.float32)
    assert (norm_noise(image, np.random.default_rng(0)) - 1.0).std() == pytest.approx(0.005, rel=0.02)
    ramp = np.broadcast_to(np.arange(200.0) + 100.0, (200, 200))
    moved = trans_noise(ramp, np.random.default_rng(0), sigma_m=0.0) - ramp
    # A rounded normal of sigma 1 has variance 1 + 1/12; pixels at the border are held back.
    assert moved[:, 10:-10].std() == pytest.approx(np.sqrt(1.0 + 1.0 / 12.0), rel=0.02)
