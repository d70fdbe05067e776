"""Utterances as square pictures of their sound, and the way back.

A picture is a log-mel spectrogram: BANDS frequency bands by FRAMES moments, about a second, in
-1..1 from silence to loud. What it lacks are the phases, which are found again by going back and
forth between sound and spectrum (Griffin and Lim 1984, doi:10.1109/TASSP.1984.1164317) with the
momentum of Perraudin et al. 2013 (doi:10.1109/WASPAA.2013.6701851).

Shapes: B sounds, N samples, K frequencies, M bands, T frames.
"""

from __future__ import annotations

import functools

import torch
from torch.nn import functional

from genmodels.data.fsdd import RATE

#: A picture is a square of so many bands and frames.
SIDE = 64

#: Samples from a frame to the next: 16 ms.
HOP = 128

#: Samples of a whole picture.
LONGEST = SIDE * HOP

#: Points of the transform, more than the window has, so that low bands hold a frequency each.
_POINTS = 512
_WINDOW = 320

_LOWEST_HERTZ = 50.0

#: Decibels of -1 and 1, below the loudest that a band can have.
_QUIET, _LOUD = -75.0, -5.0

#: How often `to_sound` goes back and forth, and how much it overshoots.
_ROUNDS = 60
_MOMENTUM = 0.99
#: Steps from bands to frequencies.
_FITTING = 40


def to_picture(sound: torch.Tensor) -> torch.Tensor:
    """Sounds (B, N) in -1..1 as (B, 1, M, T), low bands first; silence follows a short one."""
    sound = functional.pad(sound[:, :LONGEST], (0, max(0, LONGEST - sound.shape[1])))
    power = _transform(sound).abs().square()  # (B, K, T)
    bands = _bands() @ power
    decibels = 10.0 * (bands + 1e-12).log10()
    scaled = (decibels - _QUIET) / (_LOUD - _QUIET) * 2 - 1
    return scaled.clamp(-1.0, 1.0)[:, None]


def to_sound(picture: torch.Tensor, *, rounds: int = _ROUNDS) -> torch.Tensor:
    """Pictures (B, 1, M, T) as sounds (B, LONGEST), the loudest sample at most 1.

    Nothing is drawn: the phases begin as those of tones that go on from frame to frame.
    """
    decibels = (picture[:, 0].clamp(-1.0, 1.0) + 1) / 2 * (_LOUD - _QUIET) + _QUIET
    bands = 10.0 ** (decibels / 10.0)
    # What is as quiet as can be told is silence.
    bands = bands * (picture[:, 0] > -1.0 + 1e-3)
    wanted = _spread(bands).sqrt()  # (B, K, T)
    angles = torch.ones_like(wanted, dtype=torch.complex64) * _tones(wanted.shape[2])
    before = torch.zeros_like(angles)
    for _ in range(rounds):
        reached = _transform(_invert(wanted * angles))
        angles = reached - _MOMENTUM / (1 + _MOMENTUM) * before
        angles = angles / angles.abs().clamp(min=1e-12)
        before = reached
    sound = _invert(wanted * angles)
    return sound / sound.abs().amax(dim=1, keepdim=True).clamp(min=1.0)


def count_frames(picture: torch.Tensor, *, threshold: float = -0.75) -> int:
    """How many frames of a picture (1, M, T) there are up to the last that is loud enough."""
    loud = (picture[0].amax(dim=0) > threshold).nonzero()
    return int(loud[-1]) + 1 if len(loud) else SIDE


def _transform(sound: torch.Tensor) -> torch.Tensor:
    """(B, N) to (B, K, N / HOP) complex, each frame around the middle of its hop."""
    padded = functional.pad(sound, (_POINTS // 2 - HOP // 2, _POINTS // 2 - HOP // 2))
    spectrum: torch.Tensor = torch.stft(
        padded,
        _POINTS,
        HOP,
        _WINDOW,
        _window(),
        center=False,
        return_complex=True,
    )
    return spectrum / _window().sum()


def _invert(spectrum: torch.Tensor) -> torch.Tensor:
    """The sound (B, N) whose `_transform` is nearest (Griffin and Lim, eq. 6)."""
    frames = torch.fft.irfft(spectrum * _window().sum(), n=_POINTS, dim=1)  # (B, points, T)
    window = functional.pad(_window(), ((_POINTS - _WINDOW) // 2,) * 2)
    count = spectrum.shape[2]
    length = (count - 1) * HOP + _POINTS
    sound = functional.fold(frames * window[:, None], (1, length), (1, _POINTS), stride=(1, HOP))[
        :, 0, 0
    ]
    weight = functional.fold(
        window.square()[None, :, None].expand(1, -1, count),
        (1, length),
        (1, _POINTS),
        stride=(1, HOP),
    )[:, 0, 0]
    edge = _POINTS // 2 - HOP // 2
    return (sound / weight.clamp(min=1e-3))[:, edge : edge + count * HOP]


@functools.cache
def _window() -> torch.Tensor:
    return torch.hann_window(_WINDOW)


@functools.cache
def _bands() -> torch.Tensor:
    """(M, K): triangles that are evenly spaced on the mel scale (O'Shaughnessy 1987)."""

    def mel(hertz: torch.Tensor) -> torch.Tensor:
        return 2595.0 * torch.log10(1 + hertz / 700.0)

    ends = mel(torch.tensor([_LOWEST_HERTZ, RATE / 2]))
    places = torch.linspace(float(ends[0]), float(ends[1]), SIDE + 2)
    at = mel(torch.linspace(0, RATE / 2, _POINTS // 2 + 1))
    rising = (at - places[:-2, None]) / (places[1:-1] - places[:-2])[:, None]
    falling = (places[2:, None] - at) / (places[2:] - places[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0.0)


def _spread(bands: torch.Tensor) -> torch.Tensor:
    """Power (B, K, T) at least 0 whose bands (B, M, T) are nearly these.

    By multiplicative updates (Lee and Seung 2001), which keep what is positive so.
    """
    weights = _bands()
    power = weights.T @ bands
    for _ in range(_FITTING):
        power = power * (weights.T @ bands) / (weights.T @ (weights @ power)).clamp(min=1e-20)
    return power


def _tones(count: int) -> torch.Tensor:
    """(K, T): the phases of tones in the middle of each frequency."""
    turns = torch.arange(_POINTS // 2 + 1)[:, None] * HOP * torch.arange(count) / _POINTS
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * (turns % 1.0))
