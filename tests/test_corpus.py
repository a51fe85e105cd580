"""The composed corpus: laws of its pieces, of its sound, and of the folders that it writes."""

import csv
import dataclasses
import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit import corpus
from labkit.corpus import styles
from labkit.corpus.build import CorpusError
from labkit.corpus.instruments import INSTRUMENTS
from labkit.features import chromagram, mel_spectrogram, track_beats
from labkit.profiles import PROFILES, SAMPLE_RATE, Profile

TINY = Profile("tiny", clips_per_genre=2, multitask_clips=8, seconds=3.0, max_per_class=None, epochs=1)
FOLDERS = ("fma_genre_spectrograms", "fma_genre_spectrograms_beat", "multitask_dataset", "multitask_dataset_beat")
FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The tiny corpus, made by two processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("two")))
        yield corpus.build(TINY, workers=2, progress=False)


def _files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- styles ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("genre", corpus.GENRES)
def test_style_is_consistent(genre):
    """Whoever adds a genre learns here what does not fit, before a clip fails or a part stays silent."""
    style = corpus.STYLES[genre]
    steps = {metre * styles.STEPS_PER_BEAT for metre in style.metres}
    assert 60 <= style.tempo[0] < style.tempo[1] <= 180
    roles = [part.role for part in style.parts]
    assert len(roles) == len(set(roles)), "at most one part of each role"
    for part in style.parts:
        assert set(part.instruments) <= set(INSTRUMENTS)
        assert part.role == "melody" or {len(pattern) for pattern in part.patterns} & steps
        assert all(len(pattern) in steps and set(pattern) <= set("Xxo-.123456789") for pattern in part.patterns)
    for kit in (*style.drums, style.fill):
        assert all(drum in INSTRUMENTS and len(pattern) in steps and set(pattern) <= set("Xxo.") for drum,
                   pattern in kit)
    for form in style.forms:
        assert sum(section.share for section in form) == pytest.approx(1.0)
    assert all(scale in styles.SCALES for scale, _ in style.modes)
    for metre in style.metres:  # every player finds something to play in every metre, or another carries the chords
        fitting = [part for part in style.parts if any(len(pattern) == 4 * metre for pattern in part.patterns)]
        assert any(part.chance == 1.0 or part.role in ("figure", "chords") for part in fitting)


def test_unknown_genre_names_the_known():
    with pytest.raises(ValueError, match=r"'Polka'.*Classical.*Punk"):
        corpus.compose("Polka", 1)


# --- score and sound ------------------------------------------------------------------------------------------------

@FEW
@given(genre=st.sampled_from(corpus.GENRES), seed=st.integers(0, 10_000), seconds=st.floats(0.5, 3.0))
def test_sound_has_its_length_and_range(genre, seed, seconds):
    audio = corpus.render(corpus.compose(genre, seed, seconds))
    assert audio.dtype == np.float32 and audio.ndim == 1
    assert len(audio) == round(seconds * SAMPLE_RATE)
    assert np.isfinite(audio).all() and np.abs(audio).max() <= 1 and audio.any()


@FEW
@given(genre=st.sampled_from(corpus.GENRES), seed=st.integers(0, 10_000), album=st.integers(0, 500))
def test_score_is_valid(genre, seed, album):
    piece = corpus.compose(genre, seed, 12.0, album)
    style = corpus.STYLES[genre]
    assert style.tempo[0] <= piece.tempo <= style.tempo[1]
    assert all(0 <= note.start < piece.seconds and note.duration > 0 for note in piece.notes)
    assert all(0 < note.velocity <= 1 for note in piece.notes)
    assert all(20 <= note.pitch <= 108 for note in piece.notes if note.part != "drums")
    assert np.all(np.diff(piece.beats) > 0)
    assert np.median(np.diff(piece.beats)) == pytest.approx(60 / piece.tempo, rel=0.06)
    felt = dataclasses.astuple(corpus.affect(piece))
    assert all(0 <= value <= 1 for value in felt)


@pytest.mark.parametrize("genre", corpus.GENRES)
def test_same_seed_same_sound(genre):
    piece = corpus.compose(genre, 5, 2.0, album=3)
    assert piece == corpus.compose(genre, 5, 2.0, album=3) != corpus.compose(genre, 6, 2.0, album=3)
    np.testing.assert_array_equal(corpus.render(piece), corpus.render(piece))


def test_every_instrument_sounds_and_ends_quietly():
    for name, instrument in INSTRUMENTS.items():
        for frequency in (41.2, 220.0, 1318.5):
            wave = instrument.play(frequency, 0.4, 0.7, np.random.default_rng(0))
            assert np.isfinite(wave).all() and 0.01 < np.abs(wave).max() < 30, name
            assert np.abs(wave[-3:]).max() <= 0.02 * np.abs(wave).max(), name
            assert len(wave) <= 2 * SAMPLE_RATE, name


def test_pitched_instruments_are_in_tune():
    drums = {drum for style in corpus.STYLES.values() for kit in (*style.drums, style.fill) for drum, _ in kit}
    for name in sorted(set(INSTRUMENTS) - drums):
        wave = INSTRUMENTS[name].play(220.0, 1.0, 0.7, np.random.default_rng(1))
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 18))
        frequency = np.fft.rfftfreq(1 << 18, 1 / SAMPLE_RATE)
        # The lowest partials that are there lie within 25 cents of multiples of 220 Hz (a piano's stretch included).
        found = []
        for number in (1, 2, 3):
            near = (frequency > 220 * number * 0.9) & (frequency < 220 * number * 1.1)
            found.append((spectrum[near].max(),
                          1200 * np.log2(frequency[near][spectrum[near].argmax()] / 220 / number)))
        assert abs(max(found)[1]) < 25, (name, found)


def test_rock_beat_can_be_tracked():
    for seed in (1, 2):
        piece = corpus.compose("Rock", seed, 10.0)
        tempo, _ = track_beats(corpus.render(piece))
        octaves = [pytest.approx(factor * piece.tempo, rel=0.08) for factor in (0.5, 1, 2)]
        assert any(tempo == octave for octave in octaves), (tempo, piece.tempo)


def test_key_shows_in_chroma():
    inside, outside = [], []
    for genre in ("Classical", "Folk"):
        for seed in (1, 2):
            piece = corpus.compose(genre, seed, 8.0)
            chroma = chromagram(corpus.render(piece)).mean(axis=1)
            third = 4 if 4 in styles.SCALES[piece.scale][0] else 3
            triad = [(piece.tonic + step) % 12 for step in (0, third, 7)]
            inside.append(chroma[triad].mean())
            outside.append(np.delete(chroma, triad).mean())
    assert np.mean(inside) > 1.5 * np.mean(outside)


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


def test_gain_says_nothing_of_the_genre():
    loud = {genre: [corpus.compose(genre, seed, 0.5).gain_db for seed in range(60)] for genre in corpus.GENRES}
    middles = [np.mean(values) for values in loud.values()]
    assert max(middles) - min(middles) < 1.8  # of a range of 9 dB
    for genre in corpus.GENRES:  # and the sound has the gain that the piece says
        piece = corpus.compose(genre, 4, 4.0)
        audio = corpus.render(piece).astype(float)
        assert 10 * np.log10(np.mean(audio ** 2)) == pytest.approx(piece.gain_db, abs=1.0)


# --- affect ---------------------------------------------------------------------------------------------------------

@given(tempo=st.floats(60, 170), rest=st.lists(st.floats(0, 0.9), min_size=5, max_size=5))
def test_affect_is_monotone_where_it_says_so(tempo, rest):
    low = corpus.Traits(rest[0], tempo, *rest[1:])

    def grows(trait, label, by=0.1):
        more = dataclasses.replace(low, **{trait: getattr(low, trait) + by})
        return getattr(corpus.affect_of(more), label) >= getattr(corpus.affect_of(low), label)

    assert all(grows(trait, "energy") for trait in ("density", "loudness", "brightness")) and grows("tempo", "energy",
                                                                                                    10)
    assert grows("mode", "valence") and grows("tempo", "valence", 10)
    assert grows("regularity", "danceability") and grows("density", "danceability")
    assert all(0 <= value <= 1 for value in dataclasses.astuple(corpus.affect_of(low)))


def test_affect_noise_is_small_and_fixed():
    piece = corpus.compose("Folk", 9, 8.0)
    clean, labels = corpus.affect_of(corpus.traits(piece)), corpus.affect(piece)
    assert labels == corpus.affect(piece) != clean
    assert np.abs(np.subtract(dataclasses.astuple(labels), dataclasses.astuple(clean))).max() < 0.25


# --- the folder -----------------------------------------------------------------------------------------------------

def test_layout_and_arrays(tiny):
    counts = {}
    for name in FOLDERS:
        for split in ("train", "test"):
            files = sorted((tiny / name / split).iterdir())
            counts[name, split] = [file.name for file in files]
            for file in files:
                values = np.load(file, allow_pickle=False)
                assert file.name.endswith(".fused.full.npy") and values.dtype == np.float64 and values.shape[0] == 140
                assert values[:128].max() == 0 and values[:128].min() >= -80
                assert values[128:].min() >= 0 and values[128:].max() <= 1
                if not name.endswith("_beat"):
                    assert values.shape[1] == 1 + round(TINY.seconds * SAMPLE_RATE) // 512
    for name in ("fma_genre_spectrograms", "multitask_dataset"):
        for split in ("train", "test"):
            assert counts[name, split] == counts[f"{name}_beat", split]
    assert len(counts["fma_genre_spectrograms", "train"]) == 13 and len(counts["fma_genre_spectrograms", "test"]) == 3
    assert len(counts["multitask_dataset", "train"]) == 6 and len(counts["multitask_dataset", "test"]) == 2


@pytest.mark.parametrize(("folder", "split", "ending"), [
    ("fma_genre_spectrograms", "train", "fused.full.npy.gz"), ("fma_genre_spectrograms", "test", "full.fused.npy.gz"),
    ("fma_genre_spectrograms_beat", "train", "beatsync.fused.npy.gz"),
    ("fma_genre_spectrograms_beat", "test", "beatsync.fused.npy.gz"),
])
def test_genre_labels_have_the_courses_faults(tiny, folder, split, ending):
    header, *lines = (tiny / folder / f"{split}_labels.txt").read_text().splitlines()
    assert header == "Id\tGenre"
    ids = set()
    for line in lines:
        name, genre = line.split("\t")
        number, rest = name.split(".", 1)
        assert rest == ending and genre in corpus.GENRES
        ids.add(f"{number}.fused.full.npy")
    assert ids == {path.name for path in (tiny / folder / split).iterdir()} and len(ids) == len(lines)


@pytest.mark.parametrize("folder", ["multitask_dataset", "multitask_dataset_beat"])
def test_multitask_labels(tiny, folder):
    assert not list((tiny / folder).glob("test_labels*"))
    for path, arrays in ((tiny / folder / "train_labels.txt", tiny / folder / "train"),
                         (tiny / "truth" / "multitask_test.csv", tiny / folder / "test")):
        header, *lines = path.read_text().splitlines()
        assert header == "Id,valence,energy,danceability"
        for line in lines:
            number, *values = line.split(",")
            assert number.isdigit() and len(values) == 3
            assert all(len(value.split(".")[1]) == 3 and 0 <= float(value) <= 1 for value in values)
        assert {f"{line.split(',')[0]}.fused.full.npy" for line in lines} == {file.name for file in arrays.iterdir()}


def test_groups_meta_and_marker(tiny):
    header, *lines = (tiny / "groups.txt").read_text().splitlines()
    groups = dict(line.split("\t") for line in lines)
    clips = corpus.read_clips(tiny)
    assert header == "Id\tGroup" and groups == {str(clip.id): str(clip.album) for clip in clips}
    meta = json.loads((tiny / "meta.json").read_text())
    assert meta == {"frames_per_second": 22050 / 512, "fmax": 11025, "rows": 140, "source": "composed corpus"}
    marker = json.loads((tiny / "complete.json").read_text())
    assert marker["digest"] == tiny.name == corpus.digest(TINY)
    assert marker["counts"]["fma_genre_spectrograms"] == {"train": 13, "test": 3}
    assert not list(tiny.rglob("*.partial"))
    with (tiny / "clips.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["id", "genre", "album", "seed", "split", "dataset", "seconds"]


def test_plan_of_the_full_course():
    """Ids, albums and splits at the course's own size; nothing is rendered."""
    profile = Profile("course", 200, 1497, 30.0, None, 1)
    clips = corpus.plan(profile)
    assert clips == corpus.plan(profile) != corpus.plan(profile, seed=1)
    ids = [clip.id for clip in clips]
    assert ids == sorted(set(ids)) and len({clip.seed for clip in clips}) == len(clips)
    for one, other in itertools.pairwise(clips):
        same = one.album == other.album
        assert (other.id - one.id == 1) if same else (other.id - one.id > 10)
        assert not same or (one.genre, one.dataset) == (other.genre, other.dataset)
    sizes = np.unique([clip.album for clip in clips], return_counts=True)[1]
    assert sizes.min() >= 2 and sizes.max() <= 6 and 3.5 < sizes.mean() < 4.5
    genre = [clip for clip in clips if clip.dataset == "fma_genre_spectrograms"]
    for name in corpus.GENRES:
        assert sum(clip.genre == name and clip.split == "test" for clip in genre) == 40
        assert sum(clip.genre == name and clip.split == "train" for clip in genre) == 160
    trained = {clip.album for clip in genre if clip.split == "train"}
    straddling = np.mean([clip.album in trained for clip in genre if clip.split == "test"])
    assert straddling > 0.9  # the leak that a track-random split has
    mood = [clip for clip in clips if clip.dataset == "multitask_dataset"]
    assert len(mood) == 1497 and sum(clip.split == "train" for clip in mood) == 1497 - 374
    assert {clip.genre for clip in mood} == set(corpus.GENRES)


def test_sound_of_a_clip_is_the_one_in_its_file(tiny):
    from labkit.features import extract

    clip = corpus.read_clips(tiny)[3]
    stored = np.load(tiny / clip.dataset / clip.split / f"{clip.id}.fused.full.npy", allow_pickle=False)
    np.testing.assert_allclose(extract(corpus.sound(tiny, clip.id)).fused, stored, atol=1e-5)
    np.testing.assert_array_equal(corpus.sound(tiny, f"{clip.id}.fused.full.npy.gz"), corpus.sound(tiny, clip.id))


def test_unknown_clip_and_folder(tiny, tmp_path):
    with pytest.raises(CorpusError, match=r"no clip 7 in .*ids run from") as caught:
        corpus.sound(tiny, 7)
    assert not str(caught.value).startswith('"')
    with pytest.raises(CorpusError, match=r"labkit\.corpus\.build"):
        corpus.sound(tmp_path, 7)


def test_one_process_makes_the_same_files_and_resumes(tiny, tmp_path, monkeypatch):
    """From a broken-off state: some clips there, some deleted, one half written, no marker."""
    expected = _files(tiny)
    folder = tmp_path / "corpus" / tiny.name
    gone = {clip.id for clip in corpus.read_clips(tiny)[::4]}
    for name, content in expected.items():
        number = name.rsplit("/", 1)[-1].split(".")[0]
        if name.endswith(".npy") and int(number) not in gone:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    half = folder / "multitask_dataset" / "train" / ".99.fused.full.npy.1234.partial"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")
    kept = next(path for path in folder.rglob("*.npy"))
    before = kept.stat().st_mtime_ns
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    assert corpus.build(TINY, workers=1, progress=False) == folder
    assert _files(folder) == expected
    assert kept.stat().st_mtime_ns == before


def test_a_complete_corpus_is_found_and_nothing_heavy_is_loaded_for_it(tiny):
    """Each lesson asks for it; a wall-clock limit here would fail on a busy machine, so look at what it does."""
    code = ("import sys; from labkit import corpus; from labkit.profiles import Profile; "
            f"found = corpus.build(Profile(**{dataclasses.asdict(TINY)!r}), progress=False); "
            "print(found.name, 'librosa' in sys.modules, 'torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | {"LAB_CACHE": str(tiny.parent.parent)})
    assert done.stdout.split() == [tiny.name, "False", "False"]


def test_digest_covers_sizes_and_seed():
    assert corpus.digest(TINY) == corpus.digest(dataclasses.replace(TINY, epochs=9, name="other"))
    others = [dataclasses.replace(TINY, clips_per_genre=4), dataclasses.replace(TINY, multitask_clips=9),
              dataclasses.replace(TINY, seconds=2.5)]
    assert len({corpus.digest(TINY), corpus.digest(TINY, 1), *map(corpus.digest, others)}) == 5
    assert len(corpus.digest(TINY)) == 12 and int(corpus.digest(TINY), 16) >= 0


def test_unwritable_cache_names_folder_and_variable(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match=r"file.*LAB_CACHE"):
        corpus.build(TINY, workers=1, progress=False)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"workers": 0}])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match="found"):
        corpus.build(TINY, **wrong)


def test_corpora_of_older_versions_are_removed_and_the_others_stay(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    used = tmp_path / "corpus" / corpus.digest(PROFILES["ci"])
    for folder in (used, tmp_path / "corpus" / "0123456789ab"):
        folder.mkdir(parents=True)
    (tmp_path / "corpus" / "0123456789ab.lock").touch()
    assert corpus.remove_old() == ["0123456789ab"]
    assert list((tmp_path / "corpus").iterdir()) == [used]
    assert not corpus.is_made(PROFILES["ci"])  # a folder without its marker is not whole
