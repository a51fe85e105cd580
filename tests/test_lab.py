"""Finding the data: the course's layout, mel only, sound only, nothing of use, and the composed corpus."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import write_course

from labkit import lab as lab_module
from labkit.datasets import SpectrogramDataset, find_clip, read_spectrogram
from labkit.features import mel_spectrogram
from labkit.lab import open_lab
from labkit.profiles import PROFILES, DataError, ProfileError
from labkit.recipes import LSTMS, MOOD


@pytest.fixture
def composed(monkeypatch, course):
    """A stand-in for the composing code: the tiny dataset; `calls` counts how often it is built."""
    calls = []

    def build(profile, **options):
        calls.append(profile.name)
        return course

    monkeypatch.setattr(lab_module, "_corpus", lambda: SimpleNamespace(
        build=build, calls=calls, digest=lambda profile: "0123456789ab", GENRES=("Folk", "Rock"),
        sound=lambda folder, clip: np.full(3 * 22050, 0.1, dtype=np.float32)))
    return SimpleNamespace(calls=calls, folder=course)


def write_sounds(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        soundfile.write(folder / name, 0.1 * np.ones(22050), 22050)


def tree(root):
    return {(path, os.stat(path).st_mtime_ns) for path in root.rglob("*")}


def test_composed_corpus_is_built_only_when_used(composed):
    lab = open_lab("ci")
    assert lab.describe() == ("composed corpus, profile ci: 2 genres of up to 16 clips of 10 s, "
                              "160 clips with mood labels")
    assert lab.note("sound", "chroma") == "The data of this section: the composed corpus."
    assert lab.fingerprint() == "0123456789ab"
    assert composed.calls == []
    found = lab.dataset("genre", beat=True, needs="fused")
    assert found.path == composed.folder / "fma_genre_spectrograms_beat"
    assert (found.rows, found.is_fallback, found.has_test_labels) == (140, False, True)
    assert not lab.dataset("multitask").has_test_labels
    recordings = lab.recordings()
    assert [recording.genre for recording in recordings] == ["Blues", "Psych-Rock", "Punk", "Rock", "Soundtrack"]
    assert len(recordings[0].sound(seconds=1, start=0.5)) == 22050
    assert composed.calls == ["ci"]


def test_beside_ones_own_data_a_smaller_corpus_fills_the_gaps(composed, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA", str(write_course(tmp_path, rows=128, beat=False)))
    lab = open_lab("full")
    assert lab.dataset("genre", needs="fused").is_fallback
    lab.composed_only().recordings()
    assert composed.calls == ["laptop", "laptop"]
    assert lab.profile.name == "full"  # the reader's own clips are all used
    monkeypatch.delenv("LAB_DATA")
    open_lab("full").recordings()
    assert composed.calls[-1] == "full"


def test_profile_and_its_errors(composed, monkeypatch):
    monkeypatch.setenv("LAB_PROFILE", "smoke")
    assert open_lab().profile is PROFILES["smoke"]
    assert open_lab(PROFILES["full"]).profile.name == "full"
    with pytest.raises(ProfileError, match="no profile 'tiny'"):
        open_lab("tiny")


@pytest.mark.parametrize("below", ["", "data"])
def test_the_courses_layout(composed, monkeypatch, tmp_path, below):
    root = write_course(tmp_path / below)
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    before = tree(tmp_path)
    lab = open_lab("ci")
    for kind in ("genre", "multitask"):
        for beat in (False, True):
            found = lab.dataset(kind, beat, needs="chroma")
            assert found.root == root
            assert (found.origin, found.rows, found.is_fallback) == ("your data", 140, False)
            assert len(SpectrogramDataset(found.path)) > 0
    assert lab.note("genre", "chroma_beat") == "The data of this section: your data."
    assert lab.note("genre", "sound") == ("The data (your data) hold no sound, so what needs that comes from the "
                                          "composed corpus.")
    assert lab.describe() == ("your data, profile ci: 40 training clips of 5 genres (at most 40 "
                              "of each are used), 20 training clips with mood "
                              "labels; no sound")
    assert composed.calls == []
    assert lab.recordings()[0].is_fallback
    assert tree(tmp_path) == before


def test_mel_only(composed, monkeypatch, tmp_path):
    root = write_course(tmp_path, rows=128, beat=False)
    (root / "meta.json").write_text(
        '{"frames_per_second": 4.27, "fmax": 22050, "rows": 128, "source": "FMA, mel only"}')
    monkeypatch.setenv("LAB_DATA", str(root))
    lab = open_lab("ci")
    own, chroma, beat = lab.dataset("genre"), lab.dataset("genre", needs="fused"), lab.dataset("genre", beat=True)
    assert (own.root, own.rows, own.is_fallback) == (root, 128, False)
    assert (own.origin, own.meta.fmax) == ("FMA, mel only", 22050)
    for fallback in (chroma, beat):
        assert (fallback.root, fallback.rows, fallback.is_fallback) == (composed.folder, 140, True)
        assert fallback.origin == "the composed corpus"
        assert fallback.meta.fmax == 11025
    assert not lab.has("chroma")
    assert lab.note("genre", "chroma", "genre_beat") == (
        "The data (FMA, mel only) hold no chroma and no beat-synchronous genre spectrograms, so what needs those comes "
        "from the composed corpus.")


@pytest.mark.parametrize("place", [".", "audio", "data/audio"])
def test_sound_only(composed, monkeypatch, tmp_path, place):
    (tmp_path / "data").mkdir()
    write_sounds(tmp_path / place, "b_side.ogg", "12.flac", "2.wav")
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    lab = open_lab("ci")
    assert [recording.id for recording in lab.recordings()] == ["2", "12", "b_side"]
    last = lab.recordings()[-1]
    assert (last.title, last.genre, last.origin, last.is_fallback) == ("b side", None, "your data", False)
    assert len(last.sound(seconds=0.5)) == 11025
    assert lab.dataset("genre").is_fallback
    assert lab.note("sound") == "The data of this section: your data."
    assert "no genre spectrograms" in lab.describe()


def test_sound_beside_datasets_below(composed, monkeypatch, tmp_path):
    write_course(tmp_path / "data")
    write_sounds(tmp_path / "audio", "000100.wav", "105.wav")
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    lab = open_lab("ci")
    assert not lab.dataset("genre").is_fallback
    assert [recording.genre for recording in lab.recordings()] == ["Blues", None]
    assert "2 recordings" in lab.describe()


def test_wrong_folder_says_what_it_found(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    with pytest.raises(DataError, match="found an empty folder"):
        open_lab("ci")
    for name in ("one", "two.txt", "audio"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"fma_genre_spectrograms.*found audio, one, two.txt\. Point"):
        open_lab("ci")
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "missing"))
    with pytest.raises(DataError, match="no folder"):
        open_lab("ci")


def test_half_a_dataset_is_an_error_not_a_fallback(composed, monkeypatch, tmp_path):
    (tmp_path / "multitask_dataset" / "train").mkdir(parents=True)
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    with pytest.raises(DataError, match="no such label file and 0 clips"):
        open_lab("ci").dataset("multitask")


def test_wrong_words(composed):
    lab = open_lab("ci")
    with pytest.raises(ValueError, match="'genre' or 'multitask'"):
        lab.dataset("mood")
    with pytest.raises(ValueError, match="'lyrics'"):
        lab.note("lyrics")


def test_fingerprint_follows_the_data(composed, monkeypatch, tmp_path):
    root = write_course(tmp_path / "course")
    monkeypatch.setenv("LAB_DATA", str(root))

    def fingerprint():
        value = open_lab("ci").fingerprint()
        assert len(value) == 12
        assert int(value, 16) >= 0
        return value

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    (root / "unrelated.txt").write_text("notes")
    assert fingerprint() == seen[0]
    labels = root / "multitask_dataset" / "train_labels.txt"
    labels.write_text(labels.read_text().replace("0.500", "0.5").replace("0.5,", "0.6,", 1))
    seen.append(fingerprint())
    write_sounds(root / "audio", "1.wav")
    seen.append(fingerprint())
    (root / "groups.txt").write_text("Id\tGroup\n")
    seen.append(fingerprint())
    clip = next((root / "fma_genre_spectrograms" / "train").iterdir())
    clip.write_bytes(clip.read_bytes()[:-1] + b"x")  # of the same size
    seen.append(fingerprint())
    next((root / "fma_genre_spectrograms" / "test").iterdir()).unlink()
    seen.append(fingerprint())
    assert len(set(seen)) == len(seen)
    monkeypatch.setenv("LAB_DATA", str(root.rename(tmp_path / "moved")))
    assert fingerprint() == seen[-1]


def test_one_lesson_takes_all_its_clips_from_one_data_set(composed, monkeypatch, tmp_path):
    lab = open_lab("ci")
    assert lab.serving(LSTMS) == (lab, list(LSTMS), "The data of this lesson: the composed corpus.")
    assert lab.folder(LSTMS["LSTM, chroma"]).path == composed.folder / "fma_genre_spectrograms_beat"
    assert lab.folder(MOOD["CNN"]).path == composed.folder / "multitask_dataset"

    own = write_course(tmp_path, rows=128, beat=False)
    monkeypatch.setenv("LAB_DATA", str(own))
    lab = open_lab("ci")
    found, names, sentence = lab.serving(LSTMS)
    assert (found, names) == (lab, ["LSTM, mel"])
    assert sentence == ("The data of this lesson: your data. Of 4 networks they serve LSTM, mel; the others are left "
                        "out of the figures.")
    assert lab.folder(LSTMS["LSTM, mel"]).root == own
    assert lab.folder(LSTMS["LSTM, chroma"]).root == composed.folder

    (own / "fma_genre_spectrograms" / "test_labels.txt").unlink()
    found, names, sentence = open_lab("ci").serving(LSTMS)
    assert (found.root, names) == (None, list(LSTMS))
    assert "no genre clips with a labelled test part, so this lesson takes the composed corpus" in sentence


@pytest.mark.slow
def test_the_real_composed_corpus():
    lab = open_lab("smoke")
    found = lab.dataset("genre", needs="fused")
    data = SpectrogramDataset(found.path, class_mapping=None, feat_type="fused")
    test = SpectrogramDataset(found.path, class_mapping=None, train=False)
    assert len(data) + len(test) >= 20 * PROFILES["smoke"].clips_per_genre
    assert not set(data.ids) & set(test.ids)
    assert len(SpectrogramDataset(found.path)) > 0  # its genres are the course's, so the mapping knows them
    moods = lab.dataset("multitask", beat=True)
    assert len(SpectrogramDataset(moods.path)) + len(SpectrogramDataset(moods.path, train=False)) == 20
    recording = lab.recordings()[0]
    on_disk = read_spectrogram(find_clip(found.path, "train", recording.id))
    np.testing.assert_allclose(mel_spectrogram(recording.sound()).T, on_disk, atol=0.1)
    assert "20 genres of up to 3 clips of 4 s" in lab.describe()
