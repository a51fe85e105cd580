"""The composed corpus as it sounds: laws of the sound, what the features find in it, and the same on other machines."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit import corpus
from labkit.corpus import styles
from labkit.features import chromagram, mel_spectrogram, track_beats
from labkit.profiles import SAMPLE_RATE

FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(genre=st.sampled_from(corpus.GENRES), seed=st.integers(0, 10_000), seconds=st.floats(0.5, 3.0))
def test_sound_has_its_length_and_range(genre, seed, seconds):
    audio = corpus.render(corpus.compose(genre, seed, seconds))
    assert audio.dtype == np.float32 and audio.ndim == 1
    assert len(audio) == round(seconds * SAMPLE_RATE)
    assert np.isfinite(audio).all() and np.abs(audio).max() <= 0.98 and audio.any()


@pytest.mark.parametrize("genre", corpus.GENRES)
def test_the_same_piece_gives_the_same_sound_at_its_own_gain(genre):
    piece = corpus.compose(genre, 5, 3.0, album=3)
    audio = corpus.render(piece)
    np.testing.assert_array_equal(audio, corpus.render(piece))
    assert 10 * np.log10(np.mean(audio.astype(float) ** 2)) == pytest.approx(piece.gain_db, abs=1.0)
    assert not audio[:int(piece.silence * SAMPLE_RATE)].any()
    louder = corpus.render(dataclasses.replace(piece, gain_db=piece.gain_db + 2))  # a knob, and nothing else
    np.testing.assert_allclose(mel_spectrogram(louder), mel_spectrogram(audio), atol=0.2)


def test_the_beat_of_rock_can_be_tracked():
    """At the beat, half or twice of it; a tracker misses some rock records too."""
    right = []
    for seed in range(1, 7):
        piece = corpus.compose("Rock", seed, 10.0, drums=True)
        tempo, _ = track_beats(corpus.render(piece))
        right.append(any(abs(tempo / (factor * piece.tempo) - 1) < 0.06 for factor in (0.5, 1, 2)))
    assert sum(right) >= 4, right


def test_key_shows_in_chroma():
    inside, outside = [], []
    for genre in ("Classical", "Folk"):
        for seed in (1, 2, 3):
            piece = corpus.compose(genre, seed, 8.0)
            chroma = chromagram(corpus.render(piece)).mean(axis=1)
            third = 4 if 4 in styles.SCALES[piece.scale][0] else 3
            triad = [(piece.tonic + step) % 12 for step in (0, third, 7)]
            inside.append(chroma[triad].mean())
            outside.append(np.delete(chroma, triad).mean())
    assert np.mean(inside) > 1.4 * np.mean(outside)


def test_album_mates_are_closer_than_strangers():
    bands = {}
    for genre in ("Folk", "Hip-Hop"):
        for album in (1, 2, 3):
            for track in (0, 1):
                audio = corpus.render(corpus.compose(genre, 10 * album + track, 4.0, album))
                bands[genre, album, track] = mel_spectrogram(audio).mean(axis=1)

    def distance(one, other):
        return np.sqrt(np.mean((bands[one] - bands[other]) ** 2))

    keys = list(bands)
    pairs = [(a, b) for a in keys for b in keys if a < b and a[0] == b[0]]
    mates = np.mean([distance(a, b) for a, b in pairs if a[1] == b[1]])
    strangers = np.mean([distance(a, b) for a, b in pairs if a[1] != b[1]])
    assert mates < 0.8 * strangers


def test_changes_are_heard_where_the_book_says_so():
    """The page `one change at a time`, in numbers."""
    def mel(*words, **changes):
        return mel_spectrogram(corpus.render(corpus.compose(*words, **changes)))

    def alone(**players):
        return dict.fromkeys(styles.ROLES) | players

    quiet, drummed = (mel("Pop", 5, 8.0, drums=drums) for drums in (False, True))
    assert np.abs(np.diff(drummed, axis=1)).mean() > 1.1 * np.abs(np.diff(quiet, axis=1)).mean()
    clean, driven = (mel("Rock", 13, 8.0, players=alone(chords=name), drums=False)
                     for name in ("electric guitar", "distorted guitar"))
    assert (driven > -50).mean() > (clean > -50).mean() + 0.05
    soft, hard = (mel("Classical", 14, 8.0, dynamics=dynamics, players=alone(melody="piano", figure="piano"),
                      production={"compression": 0.0, "mastering": 0.0}) for dynamics in (0.15, 0.95))
    assert hard[64:].mean() - hard[:64].mean() > soft[64:].mean() - soft[:64].mean() + 1


@pytest.mark.slow
def test_another_machine_makes_the_same_sound_within_the_stated_tolerance(tmp_path):
    """A processor without wide instructions rounds otherwise; book/composed_music.md states the tolerance."""
    code = ("import sys, numpy as np; from labkit.corpus import GENRES, compose, render; "
            "np.savez(sys.argv[1], **{genre: render(compose(genre, 11, 5.0)) for genre in GENRES})")
    plain = {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
             "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
             "OPENBLAS_CORETYPE": "Prescott", "PYTHONWARNINGS": "ignore"}
    for name, environment in (("here", {}), ("there", plain)):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / f"{name}.npz")], check=True,
                       env=os.environ | environment)
    with np.load(tmp_path / "here.npz") as here, np.load(tmp_path / "there.npz") as there:
        for genre in corpus.GENRES:
            # The root mean square, because coarse steps of the amplitude may round to the next one in a few samples.
            apart = np.sqrt(np.mean((here[genre] - there[genre]) ** 2)) / np.abs(here[genre]).max()
            assert apart < 1e-4, (genre, apart)


def test_the_gallery_shows_every_genre():
    script = (Path(__file__).parent.parent / "notebooks" / "00a_gallery.py").read_text(encoding="utf-8")
    assert tuple(re.findall(r'^exhibit\("([^"]+)"\)$', script, re.MULTILINE)) == corpus.GENRES
    assert [name for name in re.findall(r"^# ## (.+)$", script, re.MULTILINE) if name in corpus.GENRES] \
        == list(corpus.GENRES)
