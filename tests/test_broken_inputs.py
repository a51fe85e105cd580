"""Broken inputs, one line of a table each: the exact kind of error and the words that say what to do.

CALLS are what a lesson or a program calls; COMMANDS are what a user types, where no traceback may be seen.
"""

import gzip
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import fused, write_course

from labkit import cli
from labkit.datasets import (
    LabelTransformer,
    PaddingTransform,
    SpectrogramDataset,
    Standardise,
    find_clip,
    groups_of,
    limit_per_class,
    list_clips,
    read_labels,
    read_meta,
    read_spectrogram,
    silence,
    split_indices,
    torch_train_val_split,
)
from labkit.datasets.convert import convert
from labkit.datasets.fetch import fetch_fma
from labkit.datasets.verify import verify
from labkit.features import AudioError, extract, mel_spectrogram, read_audio
from labkit.lab import open_lab
from labkit.profiles import SAMPLE_RATE, DataError, ProfileError, load_profile

GENRE, MOOD = "fma_genre_spectrograms", "multitask_dataset"
CLIP = f"{GENRE}/train/100.fused.full.npy"


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    """What each case gets a copy of: a small dataset, some sound and a table for it."""
    root = tmp_path_factory.mktemp("pattern")
    write_course(root / "data", beat=False)
    (root / "audio").mkdir()
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    for number in range(4):
        soundfile.write(root / "audio" / f"song{number}.wav", 0.5 * np.sin(2 * np.pi * 220 * (number + 1) * time),
                        SAMPLE_RATE)
    (root / "labels.csv").write_text("file,genre\n" + "".join(f"song{n}.wav,{'AB'[n % 2]}\n" for n in range(4)))
    return root


@pytest.fixture
def place(pattern, tmp_path, monkeypatch):
    root = shutil.copytree(pattern, tmp_path / "place")
    monkeypatch.chdir(root)
    return root


# --- files, by what they hold ----------------------------------------------------------------------------------------

def text(name, content, encoding="utf-8"):
    return lambda root: (root / name).write_bytes(content.encode(encoding))


def raw(content, name=f"data/{CLIP}"):
    return lambda root: (root / name).write_bytes(content)


def array(change, pickled=False):
    def write(root):
        np.save(root / "data" / CLIP, change(fused(9, 1)), allow_pickle=pickled)
    return write


def cut(count, compress=False):
    def write(root):
        data = (root / "data" / CLIP).read_bytes()
        (root / "data" / CLIP).write_bytes((gzip.compress(data) if compress else data)[:count])
    return write


def flipped(root):
    data = bytearray(gzip.compress((root / "data" / CLIP).read_bytes()))
    data[200] ^= 0xFF
    (root / "data" / CLIP).write_bytes(data)


def put(value):
    def change(values):
        values[3, 3] = value
        return values
    return change


def gone(name):
    def remove(root):
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()
    return remove


def copied(name, other):
    return lambda root: shutil.copy(root / name, root / other)


def labels(content, folder=GENRE, encoding="utf-8"):
    return text(f"data/{folder}/train_labels.txt", content, encoding)


def sound(samples, name="audio/song0.wav"):
    return lambda root: soundfile.write(root / name, samples, SAMPLE_RATE, subtype="FLOAT")


def variable(name, value):
    return lambda root: os.environ.update({name: value.format(root=root)})


def nothing(root):
    pass


def spectrogram(root, feat_type="mel"):
    return read_spectrogram(root / "data" / CLIP, feat_type)


def chroma(root):
    return spectrogram(root, "chroma")


def genre_labels(root):
    return read_labels(root / "data" / GENRE, "train")


def mood_labels(root):
    return read_labels(root / "data" / MOOD, "train")


def genres(root, **options):
    return SpectrogramDataset(root / "data" / GENRE, **options)


def moods(root, **options):
    return SpectrogramDataset(root / "data" / MOOD, **options)


def meta(root):
    return read_meta(root / "data")


def song(root):
    return read_audio(root / "audio" / "song0.wav")


HEADER = "Id,valence,energy,danceability\n"
CALLS = {
    # arrays
    "array missing": (gone(f"data/{CLIP}"), spectrogram, DataError, "Expected a spectrogram at", "found none"),
    "array is a folder": (nothing, lambda root: read_spectrogram(root / "data"), DataError, "found none"),
    "array empty": (raw(b""), spectrogram, DataError, "expected an array of numbers", "Copy the file again"),
    "array is a text": (raw(b"not an array"), spectrogram, DataError, "expected an array of numbers"),
    "array cut in its header": (cut(60), spectrogram, DataError, "expected an array of numbers"),
    "array cut in its values": (cut(3000), spectrogram, DataError, "expected an array of numbers"),
    "array header damaged": (raw(b"\x93NUMPY\x01\x00\x0a\x00{'descr'((\n"), spectrogram, DataError, "expected an arr"),
    "packed array cut": (cut(3000, True), spectrogram, DataError, "expected an array", "Copy the file again"),
    "packed array damaged": (flipped, spectrogram, DataError, "expected an array of numbers"),
    "a pickle": (raw(pickle.dumps([1])), spectrogram, DataError, "pickled objects are never loaded"),
    "array of objects": (array(lambda values: np.array([{}]), True), spectrogram, DataError, "never loaded"),
    "array of words": (array(lambda values: values.astype("S5")), spectrogram, DataError, "expected finite numbers"),
    "array complex": (array(lambda values: values.astype(complex)), spectrogram, DataError, "found complex128"),
    "array turned": (array(lambda values: values.T), spectrogram, DataError, "transpose it"),
    "array of 130 rows": (array(lambda values: values[:130]), spectrogram, DataError, "found (130, 9)"),
    "array of one axis": (array(lambda values: values[0]), spectrogram, DataError, "found (9,)"),
    "array without a frame": (array(lambda values: values[:, :0]), spectrogram, DataError, "found (140, 0)"),
    "array with NaN": (array(put(np.nan)), spectrogram, DataError, "NaN, infinite", "leave it out"),
    "array infinite": (array(put(np.inf)), spectrogram, DataError, "NaN, infinite"),
    "chroma of mel only": (array(lambda values: values[:128]), chroma, DataError, "this file is mel only"),
    "feat_type unknown": (nothing, lambda root: spectrogram(root, "mfcc"), ValueError, "one of mel, chroma, fused"),
    # label files
    "labels missing": (gone(f"data/{GENRE}/train_labels.txt"), genre_labels, DataError, "Expected a label file at"),
    "labels empty": (labels(""), genre_labels, DataError, "line 1: expected the header"),
    "labels without header": (labels("1.npy\tBlues\n"), genre_labels, DataError, "Put that header on the first line"),
    "labels by semicolon": (labels("Id;Genre\n1;Blues\n"), genre_labels, DataError, "line 1: expected the header"),
    "labels in UTF-16": (labels("Id\tGenre\n1\tBlues\n", encoding="utf-16"), genre_labels, DataError, "in UTF-8"),
    "labels in Latin-1": (labels("Id\tGenre\n1\tMúsica\n", encoding="latin-1"), genre_labels, DataError, "in UTF-8"),
    "genre line of three": (labels("Id\tGenre\n1\tBlues\tRock\n"), genre_labels, DataError, "line 2: expected an id"),
    "genre line without genre": (labels("Id\tGenre\n1\tBlues\n2\t\n"), genre_labels, DataError, "line 3: expected"),
    "genre line without id": (labels("Id\tGenre\n.npy\tBlues\n"), genre_labels, DataError, "line 2: expected"),
    "label twice": (labels("Id\tGenre\n1\tBlues\n1.npy\tPop\n"), genre_labels, DataError, "already on line 2"),
    "mood line of two": (labels(HEADER + "1,0.1,0.2\n", MOOD), mood_labels, DataError, "three numbers in [0, 1]"),
    "mood is a word": (labels(HEADER + "1,0.1,0.2,high\n", MOOD), mood_labels, DataError, "three numbers in [0, 1]"),
    "mood above 1": (labels(HEADER + "1,0.1,0.2,1.2\n", MOOD), mood_labels, DataError, "three numbers in [0, 1]"),
    "mood is NaN": (labels(HEADER + "1,0.1,0.2,nan\n", MOOD), mood_labels, DataError, "three numbers in [0, 1]"),
    # folders
    "split missing": (gone(f"data/{GENRE}/test"), lambda root: list_clips(root / "data" / GENRE, "test"), DataError,
                      "Expected a folder of spectrograms at"),
    "two files of an id": (copied(f"data/{CLIP}", f"data/{GENRE}/train/100.other.npy"), genres, DataError,
                           "expected one file for each id", "Remove one"),
    "clip unknown": (nothing, lambda root: find_clip(root / "data" / GENRE, "train", "7"), DataError, "Check the id"),
    "clip of a label missing": (gone(f"data/{CLIP}"), genres, DataError, "a file in train/ for each label", "'100'"),
    "no dataset folder": (nothing, lambda root: SpectrogramDataset(root / "no"), DataError, "no train_labels.txt"),
    "dataset is a file": (nothing, lambda root: SpectrogramDataset(root / "labels.csv"), DataError, "Check the path"),
    "genre unknown": (labels("Id\tGenre\n100\tPolka\n"), genres, DataError, "found 'Polka'", "class_mapping=None"),
    "no clip left": (labels("Id\tGenre\n100\tSoundtrack\n"), genres, DataError, "found none after class_mapping"),
    # meta.json and groups.txt
    "meta no JSON": (text("data/meta.json", "{rows"), meta, DataError, "expected a JSON object", "or remove it"),
    "meta a list": (text("data/meta.json", "[1]"), meta, DataError, "expected a JSON object"),
    "meta no text": (raw(b"\xff\xfe\x00", "data/meta.json"), meta, DataError, "expected a JSON object"),
    "meta 100 rows": (text("data/meta.json", '{"rows": 100}'), meta, DataError, "128 or 140 rows"),
    "meta infinite rows": (text("data/meta.json", '{"rows": Infinity}'), meta, DataError, "expected a JSON object"),
    "meta without speed": (text("data/meta.json", '{"frames_per_second": 0}'), meta, DataError, "above 0"),
    "groups header": (text("data/groups.txt", "clip group\n"), genres, DataError, "line 1: expected the header"),
    "groups line": (text("data/groups.txt", "Id\tGroup\n100 a\n"), genres, DataError, "line 2: expected an id, a tab"),
    "groups incomplete": (text("data/groups.txt", "Id\tGroup\n100\ta\n"), genres, DataError, "a group for each clip"),
    "groups no text": (raw(b"Id\tGroup\n\xff\n", "data/groups.txt"), genres, DataError, "UTF-8"),
    # arguments
    "max_length 0": (nothing, lambda root: genres(root, max_length=0), ValueError, "at least 1 frame"),
    "max_per_class 0": (nothing, lambda root: genres(root, max_per_class=0), ValueError, "None keeps all clips"),
    "mood index 3": (nothing, lambda root: moods(root, regression_label_index=3), ValueError, "one of valence, energ"),
    "mood index True": (nothing, lambda root: moods(root, regression_label_index=True), ValueError, "found True"),
    "mood index of genres": (nothing, lambda root: genres(root, regression_label_index=0), ValueError, "Use a mood"),
    "share of 1.5": (nothing, lambda root: torch_train_val_split(moods(root), 8, 8, 1.5), ValueError, "between 0 and"),
    "labels too few": (nothing, lambda root: split_indices(5, labels=["a"]), ValueError, "5 labels, one for each item"),
    "one group": (nothing, lambda root: split_indices(5, groups=["a"] * 5), ValueError, "at least two groups to part"),
    "limit 0": (nothing, lambda root: limit_per_class(["a"], ["g"], 0), ValueError, "at least 1"),
    "group unknown": (text("data/groups.txt", "Id\tGroup\n"), lambda root: groups_of(["1"], root / "data"), DataError,
                      "found none for 1"),
    "padding to 0": (nothing, lambda root: PaddingTransform(0), ValueError, "at least 1 frame"),
    "silence of 64": (nothing, lambda root: silence(64), ValueError, "Give padding_value"),
    "genre never seen": (nothing, lambda root: LabelTransformer().fit(["A", "B"]).transform("C"), ValueError, "'C'"),
    "class never seen": (nothing, lambda root: LabelTransformer().fit(["A"]).inverse(1), ValueError, "from 0 to 0"),
    "fitted on nothing": (nothing, lambda root: Standardise.fit(moods(root), []), ValueError, "at least one clip"),
    "profile unknown": (nothing, lambda root: load_profile("huge"), ProfileError, "no profile 'huge'", "smoke, ci"),
    "suffix unknown": (nothing, lambda root: convert("data", "out", ".npz"), ValueError, "one of .npy, .npy.gz"),
    "dtype unknown": (nothing, lambda root: convert("data", "out", dtype="int8"), ValueError, "float32, float16"),
    "archive unknown": (nothing, lambda root: fetch_fma("fma-huge"), ValueError, "one of fma-metadata, fma-small"),
    "quick manifest": (nothing, lambda root: verify("data", True, True), ValueError, "Leave out quick"),
    # sound
    "sound missing": (gone("audio/song0.wav"), song, AudioError, "Expected a sound file at", "Check the name"),
    "sound empty": (raw(b"", "audio/song0.wav"), song, AudioError, "found an empty file"),
    "sound is a text": (raw(b"la la la", "audio/song0.wav"), song, AudioError, "Convert it to WAV or FLAC"),
    "sound silent": (sound(np.zeros(SAMPLE_RATE)), song, AudioError, "found silence"),
    "sound with NaN": (sound(np.full(SAMPLE_RATE, np.nan)), song, AudioError, "that are NaN or infinite"),
    "sound too short": (sound(np.ones(100)), song, AudioError, "found 100. Use a longer recording"),
    "sound without samples": (sound(np.zeros(0)), song, AudioError, "found 0 samples"),
    "start after the end": (nothing, lambda root: read_audio("audio/song0.wav", start=9.0), AudioError, "found 0 sam"),
    "seconds below 0": (nothing, lambda root: read_audio("audio/song0.wav", -1), ValueError, "seconds > 0"),
    "two channels": (nothing, lambda root: mel_spectrogram(np.ones((2, 9999))), AudioError, "expected one channel"),
    "silence extracted": (nothing, lambda root: extract(np.zeros(SAMPLE_RATE)), AudioError, "found silence"),
    # environment
    "LAB_PROFILE unknown": (variable("LAB_PROFILE", "huge"), lambda root: open_lab(), ProfileError, "LAB_PROFILE"),
    "LAB_DATA missing": (variable("LAB_DATA", "{root}/no"), lambda root: open_lab(), DataError, "which is no folder"),
    "LAB_DATA a file": (variable("LAB_DATA", "{root}/labels.csv"), lambda root: open_lab(), DataError, "is no folder"),
}


@pytest.fixture
def environment():
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("case", CALLS)
def test_a_call(case, place, environment):
    plant, call, kind, *words = CALLS[case]
    plant(place)
    with pytest.raises(kind) as found:
        call(place)
    assert type(found.value) is kind
    assert all(word in str(found.value) for word in words), str(found.value)


# --- the command line ------------------------------------------------------------------------------------------------

def both(*plants):
    def plant(root):
        for one in plants:
            one(root)
    return plant


def all_silent(root):
    for number in range(4):
        sound(np.zeros(SAMPLE_RATE), f"audio/song{number}.wav")(root)


def folder(name):
    return lambda root: (root / name).mkdir(parents=True)


EXTRACT = "extract audio out --labels labels.csv --min-seconds 0.5"
COMMANDS = {  # what to break, the command after `python -m labkit`, exit code, words
    "command unknown": (nothing, "compose", 2, "invalid choice: 'compose'"),
    "data without word": (nothing, "data", 2, "required: WHAT"),
    "verify without path": (nothing, "data verify", 2, "required: PATH"),
    "verify quick and manifest": (nothing, "data verify --quick --write-manifest data", 2, "not allowed with"),
    "verify nothing": (nothing, "data verify no", 1, "found nothing. Check the path."),
    "verify a file": (nothing, "data verify labels.csv", 1, "found a file. Check the path."),
    "verify an empty folder": (folder("new"), "data verify new", 1, "found an empty folder. Check the path."),
    "verify one folder": (nothing, f"data verify data/{GENRE}", 1, "Give the folder above"),
    "verify a broken array": (raw(b""), "data verify data", 1, f"FAULT (1): an empty file. Copy it again.\n    {CLIP}"),
    "verify broken labels": (labels("Id\tGenre\n100\n"), "data verify data", 1, "line 2: expected an id, a separator"),
    "verify broken groups": (raw(b"\xff", "data/groups.txt"), "data verify data", 1, "groups.txt cannot be used"),
    "verify broken meta": (text("data/meta.json", "{"), "data verify data", 1, "meta.json cannot be used"),
    "manifest is a folder": (folder("data/SHA256SUMS"), "data verify --write-manifest data", 1, "Expected to write"),
    "convert without OUT": (nothing, "data convert data", 2, "required: OUT"),
    "convert to integers": (nothing, "data convert data out --dtype int8", 2, "invalid choice: 'int8'"),
    "convert nothing": (nothing, "data convert no out", 1, "Expected a folder that holds one of fma_genre"),
    "convert into itself": (nothing, "data convert data data/out", 1, "Expected a folder outside data"),
    "convert over something": (nothing, "data convert data audio", 1, "Expected OUT to be absent or an empty folder"),
    "convert below a file": (nothing, "data convert data labels.csv/out", 1, "Expected to write the converted dataset"),
    "convert a broken array": (cut(999), "data convert data out", 1, "100.fused.full.npy: expected an array"),
    "convert to too small": (array(put(1e6)), "data convert data out --dtype float16", 1, CLIP, "Use --dtype float32"),
    "fetch unknown": (nothing, "data fetch fma-huge", 2, "invalid choice: 'fma-huge'"),
    "fetch to a file": (nothing, "data fetch fma-small --to labels.csv", 1, "Expected to write into", "--to"),
    "compose with 0 workers": (nothing, "data compose --workers 0", 2, "a whole number >= 1, found '0'"),
    "info of an unknown profile": (nothing, "data info --profile huge", 1, "There is no profile 'huge'"),
    "info of no data": (variable("LAB_DATA", "{root}/no"), "data info", 1, "which is no folder", "unset LAB_DATA"),
    "info of an empty folder": (both(folder("new"), variable("LAB_DATA", "{root}/new")), "data info", 1,
                                "found an empty folder", "Point LAB_DATA at the right folder"),
    "info of broken labels": (both(labels("x"), variable("LAB_DATA", "{root}/data")), "data info", 1,
                              "line 1: expected the header"),
    "cache is a file": (variable("LAB_CACHE", "{root}/labels.csv"), "data compose --profile smoke", 1, "labels.csv"),
    "extract without labels": (nothing, "extract audio out", 2, "required: --labels"),
    "extract with 0 processes": (nothing, f"{EXTRACT} --jobs 0", 2, "a whole number >= 1, found '0'"),
    "extract seconds in words": (nothing, f"{EXTRACT} --seconds long", 2, "--seconds"),
    "extract no folder": (nothing, "extract no out --labels labels.csv", 1, "Expected a folder of sound files at"),
    "extract into the sound": (nothing, "extract audio audio/out --labels labels.csv", 1, "a result outside"),
    "extract over something": (nothing, "extract audio data --labels labels.csv", 1, "a new or empty folder"),
    "extract into a file": (nothing, "extract audio labels.csv --labels labels.csv", 1, "found the file"),
    "extract no table": (gone("labels.csv"), EXTRACT, 1, "Expected a table of labels at"),
    "extract a table of what": (text("labels.csv", "a,b\n"), EXTRACT, 1, "line 1: expected FMA's tracks.csv"),
    "extract a table of bytes": (raw(b"file,genre\n\xff,A\n", "labels.csv"), EXTRACT, 1, "Save it as CSV, UTF-8"),
    "extract a table cut": (text("labels.csv", "file,genre\nsong0.wav\n"), EXTRACT, 1, "expected 2 filled cells"),
    "extract a clip twice": (text("labels.csv", "file,genre\nsong0.wav,A\nsong0.wav,B\n"), EXTRACT, 1, "clip once"),
    "extract other sound": (text("labels.csv", "file,genre\nother.wav,A\n"), EXTRACT, 1, "a label for none of them"),
    "extract nothing of use": (all_silent, EXTRACT, 1, "Expected at least one sound file of use"),
    "extract too little": (nothing, "extract audio out --labels labels.csv --seconds 2", 1, "seconds not below it"),
    "extract a subset of one's own": (nothing, f"{EXTRACT} --subset small", 1, "FMA's tracks.csv with a subset"),
    "extract genres as moods": (nothing, f"{EXTRACT} --mood labels.csv", 1, "expected moods", "leave --mood out"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command(case, place, environment, capfd):
    plant, line, code, *words = COMMANDS[case]
    plant(place)
    if code == 2:
        with pytest.raises(SystemExit) as stopped:
            cli.main(line.split())
        assert stopped.value.code == 2
    else:
        assert cli.main(line.split()) == code
    printed = capfd.readouterr()
    said = printed.out + printed.err
    assert "Traceback" not in said and all(word in said for word in words), said


@pytest.mark.parametrize("case", ["verify nothing", "convert a broken array", "info of no data"])
def test_a_command_in_a_process_of_its_own(case, place, environment):
    plant, line, code, *words = COMMANDS[case]
    plant(place)
    root = os.path.dirname(os.path.dirname(cli.__file__))
    done = subprocess.run([sys.executable, "-m", "labkit", *line.split()], capture_output=True, text=True, cwd=place,
                          env={**os.environ, "PYTHONPATH": root})
    assert done.returncode == code and "Traceback" not in done.stderr and not done.stdout
    assert all(word in done.stderr for word in words), done.stderr


def test_the_tables_are_long_enough():
    assert len(CALLS) + len(COMMANDS) >= 100


def test_output_that_nobody_reads_any_more_is_no_traceback():
    """As with `python -m labkit data verify FOLDER | head -1`."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "labkit", "data", "clean"], stdout=write, stderr=subprocess.PIPE,
                          text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")
