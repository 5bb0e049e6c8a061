"""The spectrogram: torch's own, its scale, its edges."""

from __future__ import annotations

import torch

from sequela.nn.spectrum import FLOOR, Spectrum


def test_it_is_the_logarithm_of_torch_s_own_spectrogram() -> None:
    spectrum = Spectrum(2, 32, 8, 10, "batch").eval()
    values = torch.randn(3, 2, 100, generator=torch.Generator().manual_seed(0))
    window = torch.hann_window(32)
    own = torch.stft(values.flatten(0, 1), 32, 8, window=window, center=False, return_complex=True)[:, :10]
    power = own.abs().square() / window.square().sum()
    expected = (power + FLOOR).log().unflatten(0, (3, 2)).flatten(1, 2)
    torch.testing.assert_close(spectrum(values), expected / (1 + spectrum.norm.eps) ** 0.5, rtol=1e-4, atol=1e-4)


def test_white_noise_of_power_one_has_a_power_of_one_at_each_frequency() -> None:
    spectrum = Spectrum(1, 64, 64, 33, "batch")
    frames = torch.randn(4000, 64, generator=torch.Generator().manual_seed(0)) @ spectrum.waves
    power = (frames[:, :33].square() + frames[:, 33:].square()).mean(0)
    torch.testing.assert_close(power, torch.ones(33), rtol=0.1, atol=0)


def test_a_signal_shorter_than_a_frame_is_one_frame_with_zeros_after_it() -> None:
    spectrum = Spectrum(1, 32, 8, 17, "batch").eval()
    values = torch.randn(2, 1, 20, generator=torch.Generator().manual_seed(0))
    assert spectrum(values).shape == (2, 17, 1)
    torch.testing.assert_close(spectrum(values), spectrum(torch.nn.functional.pad(values, (0, 12))))


def test_what_is_left_after_the_last_whole_frame_is_not_read() -> None:
    spectrum = Spectrum(1, 32, 8, 17, "batch").eval()
    values = torch.randn(2, 1, 45, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(spectrum(values), spectrum(values[..., :40]))
