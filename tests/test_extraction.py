"""From a folder of sound to a dataset: the tables, every fault of a file, killed processes, and what the lab reads.

As a script, `test_extraction.py AUDIO OUT LABELS LOG PAUSE JOBS` extracts with a stand-in for the features, so that a
test can kill it in the middle.
"""

import csv
import errno
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

import labkit
from labkit import cli
from labkit.datasets import SpectrogramDataset, groups_of, list_clips, read_label_file, read_meta
from labkit.extraction import ExtractionError, clips, extract_folder
from labkit.extraction.clips import Arrays, Options, extract_clip
from labkit.extraction.journal import _features_digest
from labkit.extraction.labels import clip_name, read_tables
from labkit.features import AudioError, extract, read_audio
from labkit.lab import open_lab
from labkit.profiles import DataError

RATE = 22_050
GENRE, MOOD = "fma_genre_spectrograms", "multitask_dataset"
MOODS = "Id,valence,energy,danceability"


def tune(seconds=6.0, pitch=220.0, rate=RATE):
    """A tone with a click every half second."""
    time_axis = np.arange(round(seconds * rate)) / rate
    sound = 0.3 * np.sin(2 * np.pi * pitch * time_axis)
    sound[:: rate // 2] = 0.9
    return sound.astype(np.float32)


def stand_in(log, pause=0.0):
    """An `analyse` that notes each file in a log and goes by its first word; a local function travels to workers."""
    def analyse(source, options):
        with open(log, "ab", buffering=0) as lines:  # one write of a short line at the end: whole, whoever else writes
            lines.write(os.fsencode(f"{source.stem} {os.getpid()}\n"))
        word = source.read_text().split()[0]
        time.sleep(pause)
        if word == "bad":
            raise AudioError(f"{source.name}: expected sound, found a test. Do nothing.")
        if word == "fault":
            raise RuntimeError("a surprise")
        if word == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "stops":
            raise KeyboardInterrupt
        rng = np.random.default_rng(len(source.stem) + int.from_bytes(source.read_bytes()[:4], "big"))
        return Arrays(rng.random((140, 9)), rng.random((140, 3)), 6.0, ["a note"] if word == "note" else [])
    return analyse


def begun(log):
    """The ids that were worked on, as often as they were."""
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def songs(tmp_path):
    """Twelve files of words, of two genres and six albums; the table, the log, and a function that extracts them."""
    audio, log, table = tmp_path / "songs", tmp_path / "log", tmp_path / "labels.csv"
    for number in range(12):
        place = audio / f"folder{number % 3}" / f"song{number:02d}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"good {number}")
    lines = [f"song{number:02d}.wav,{('Folk', 'Rock')[number % 2]},album{number // 2}" for number in range(12)]
    table.write_text("\n".join(["file,genre,group", *lines]) + "\n")

    def run(out="out", **options):
        options = {"jobs": 1, "progress": False, "analyse": stand_in(log)} | options
        return extract_folder(audio, tmp_path / out, options.pop("labels", table), **options)

    run.audio, run.table, run.log, run.out = audio, table, log, tmp_path / "out"
    run.song = lambda number: audio / f"folder{number % 3}" / f"song{number:02d}.wav"
    return run


def rows(file):
    with open(file, encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))[1:]


def tree(folder):
    """Every file of a result that has to be the same whenever and however it is made."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name not in ("extraction.json", "journal.jsonl", ".extract.lock")}


def states(folder):
    return {path: (path.lstat().st_size, path.lstat().st_mtime_ns) for path in (folder, *folder.rglob("*"))}


def arrays(out, genre=GENRE):
    return {path.name.split(".")[0] for path in out.glob(f"{genre}/*/*.npy")}


# --- tables ---------------------------------------------------------------------------------------------------------

TRACKS = """,album,album,artist,artist,set,set,track,track
,id,title,bio,id,split,subset,genre_top,title
track_id,,,,,,,,
2,1,AWOL,"one
two ""quoted"", three",1,training,small,Hip-Hop,Food
3,1,AWOL,,1,validation,medium,Hip-Hop,"Electric, Ave"
5,-1,,,7,training,small,Rock,This World
10,6,Constant,,6,test,small,Rock,Freeway
20,4,Niris,,4,training,large,,Spiritual
30,,,,,test,large,Rock,Alone
98565,9,Cut,,9,training,small,Rock,Cut
"""
ECHONEST = """,echonest,echonest,echonest,echonest
,audio_features,audio_features,audio_features,metadata
,danceability,energy,valence,album_date
track_id,,,,
2,0.675893,0.634476,0.576661,2009
10,0.1,0.2,0.3,
20,0.5,0.25,1.0,
30,0.5,,0.5,
"""


@pytest.fixture
def fma(tmp_path):
    """A miniature fma_metadata."""
    folder = tmp_path / "fma_metadata"
    folder.mkdir()
    (folder / "tracks.csv").write_text(TRACKS)
    (folder / "echonest.csv").write_text(ECHONEST)
    return folder


def test_fma_is_read_with_its_three_header_lines(fma):
    table = read_tables(fma / "tracks.csv")
    assert table.genres == {"2": "Hip-Hop", "3": "Hip-Hop", "5": "Rock", "10": "Rock", "30": "Rock", "98565": "Rock"}
    assert table.splits["3"] == "train" and {id for id, part in table.splits.items() if part == "test"} == {"10", "30"}
    assert table.groups == {"2": "album-1", "3": "album-1", "5": "artist-7", "10": "album-6", "20": "album-4",
                            "30": "track-30", "98565": "album-9"}
    assert table.moods == {"2": (0.576661, 0.634476, 0.675893), "10": (0.3, 0.2, 0.1), "20": (1.0, 0.25, 0.5)}
    assert list(table.left_out) == ["20"] and "3 clips from echonest.csv" in table.what and "1 without" in table.what


@pytest.mark.parametrize("subset, kept", [("small", "2 5 10 98565"), ("medium", "2 3 5 10 98565"),
                                          ("large", "2 3 5 10 30 98565")])
def test_a_subset_of_fma_holds_the_smaller_ones(fma, subset, kept):
    table = read_tables(fma / "tracks.csv", subset=subset)
    assert list(table.genres) == kept.split() and ("20" in table.moods) == (subset == "large")


@pytest.mark.parametrize("text, expected", [
    ("file,genre\na/b.wav,Rock\n", {"a_b": "Rock"}),
    ("\ufeffFile\tGenre\nb.wav\tRock\n\n", {"b": "Rock"}),
    ("id,genre\n000002,Rock\n7, Old   Time \n", {"2": "Rock", "7": "Old Time"}),
    ('id,genre,album\n"My Song: one.mp3","R, B",x\n', {"My_Song_one": "R, B"}),
    ("Id\tGenre\n12.fused.full.npy.gz\tRock\n", {"12": "Rock"}),
])
def test_tables_of_two_columns(tmp_path, text, expected):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert read_tables(tmp_path / "t.csv").genres == expected


def test_a_long_cell_is_read_and_leaves_no_trace(tmp_path):
    (tmp_path / "t.csv").write_text(f"id,genre\n7,{'Rock' * 50_000}\n")
    before = csv.field_size_limit()
    assert len(read_tables(tmp_path / "t.csv").genres["7"]) == 200_000
    assert csv.field_size_limit() == before < 200_000


def test_label_files_of_the_course_serve_as_tables(tmp_path, course):
    moods = read_tables(course / MOOD / "train_labels.txt").moods
    assert moods == read_label_file(course / MOOD / "train_labels.txt")
    table = read_tables(course / GENRE / "test_labels.txt", course / MOOD / "train_labels.txt")
    assert table.genres == read_label_file(course / GENRE / "test_labels.txt") and table.moods == moods


@pytest.mark.parametrize("name, expected", [
    ("000/000002.mp3", "2"), ("a/01. Häß!.FLAC", "01_Häß_"), ("blues.00003.wav", "blues_00003"), ("x", "x"),
    ("9" * 5000, "9" * 5000), ("9.beatsync.fused.npy", "9"), ("C:\\music\\one.ogg", "one")])
def test_the_id_of_a_clip(name, expected):
    assert clip_name(name) == expected


@pytest.mark.parametrize("text, said", [
    ("", "line 1: expected FMA's tracks.csv"),
    ("name,genre\n", "line 1: expected FMA's tracks.csv"),
    ("file,genre,group,more\n", "line 1: expected FMA's tracks.csv"),
    ("file,genre\na.wav,\n", "record 2: expected 2 filled cells"),
    ("file,genre\na.wav,Rock,x\n", "record 2: expected 2 filled cells"),
    ("file,genre\na.wav,Rock\na.mp3,Folk\n", "already in record 2"),
    (f"{MOODS}\n1,2,0,0\n", "three numbers in"),
    (",track\n,title\ntrack_id,\n2,x\n", "no track/genre_top, set/split"),
    (TRACKS[:TRACKS.index("2,1,")], "found no track below 3 header lines"),
])
def test_a_table_of_another_kind_is_an_error(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match="(?s)" + said.replace("(", r"\(")):
        read_tables(tmp_path / "t.csv")


def test_other_faults_of_the_tables(tmp_path, fma):
    genres = tmp_path / "t.csv"
    genres.write_text("file,genre\na.wav,Rock\n")
    (tmp_path / "b.csv").write_bytes(b"file,genre\n\xff\xfe.wav,Rock\n")
    for arguments, said in (((tmp_path / "none.csv",), "found none"), ((genres, None, "small"), "Leave --subset out"),
                            ((genres, genres), "leave --mood out"), ((tmp_path / "b.csv",), "UTF-8"),
                            ((tmp_path,), "found none")):
        with pytest.raises(DataError, match=said):
            read_tables(*arguments)


# --- real sound -----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A miniature FMA of short sounds with every fault, extracted in the true way by the command line."""
    root = tmp_path_factory.mktemp("real")
    (root / "fma_metadata").mkdir()
    (root / "fma_metadata" / "tracks.csv").write_text(
        TRACKS + "40,9,Cut,,9,training,small,Rock,Silent\n41,9,C,,9,training,small,Rock,NaN\n"
        "42,9,C,,9,training,small,Rock,No\n43,9,C,,9,training,small,Rock,No\n44,9,C,,9,training,small,Rock,No\n")
    (root / "fma_metadata" / "echonest.csv").write_text(ECHONEST)
    sound = root / "fma_small"
    (sound / "000").mkdir(parents=True)
    (sound / "098").mkdir()
    soundfile.write(sound / "000" / "000002.mp3", np.stack([tune(3, 220, 44_100)] * 2, axis=1), 44_100)
    soundfile.write(sound / "000" / "000003.flac", 20 * tune(3, 330), RATE)
    soundfile.write(sound / "000" / "000005.ogg", tune(3, 440), RATE)
    soundfile.write(sound / "000" / "000010.wav", tune(3, 550, 16_000), 16_000)
    soundfile.write(sound / "000" / "000020.wav", tune(6, 660), RATE)
    os.truncate(sound / "000" / "000020.wav", 3 * 2 * RATE)
    soundfile.write(sound / "098" / "098565.mp3", tune(1), RATE)
    soundfile.write(sound / "000" / "000040.wav", np.zeros(3 * RATE), RATE)
    soundfile.write(sound / "000" / "000041.wav", np.full(3 * RATE, np.nan), RATE, subtype="FLOAT")
    (sound / "000" / "000042.mp3").write_bytes(b"")
    (sound / "000" / "000043.mp3").write_text("not sound at all" * 100)
    (sound / "000" / "000044.wav").symlink_to(sound / "nowhere.wav")
    soundfile.write(sound / "stranger.wav", tune(3), RATE)
    (sound / "README.txt").write_text("no sound")
    (sound / "._000002.mp3").write_text("a shadow that some systems leave")
    before = states(sound)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labkit.extraction.folder.cores", lambda: 1)
        code = cli.main(["extract", str(sound), str(root / "out"), "--labels", str(root / "fma_metadata/tracks.csv"),
                         "--min-seconds", "2", "--source", "a small FMA"])
    assert code == 0
    assert states(sound) == before  # nothing is written into it
    return sound, root / "out"


def test_the_arrays_are_those_of_the_features(real):
    sound, out = real
    for clip, file in (("2", "000002.mp3"), ("5", "000005.ogg")):
        found = extract(read_audio(sound / "000" / file))
        for suffix, expected in (("", found.fused), ("_beat", found.fused_beat)):
            stored = np.load(out / f"{GENRE}{suffix}" / "train" / f"{clip}.fused.full.npy")
            assert stored.dtype == np.float64 and np.array_equal(stored, expected.astype(np.float64))


def test_the_result_has_the_courses_layout(real):
    _, out = real
    assert (out / GENRE / "train_labels.txt").read_text() == (
        "Id\tGenre\n2.fused.full.npy.gz\tHip-Hop\n3.fused.full.npy.gz\tHip-Hop\n5.fused.full.npy.gz\tRock\n")
    assert (out / GENRE / "test_labels.txt").read_text() == "Id\tGenre\n10.full.fused.npy.gz\tRock\n"
    assert (out / f"{GENRE}_beat" / "test_labels.txt").read_text() == "Id\tGenre\n10.beatsync.fused.npy.gz\tRock\n"
    for name in (MOOD, f"{MOOD}_beat"):
        assert (out / name / "train_labels.txt").read_text() == f"{MOODS}\n2,0.577,0.634,0.676\n20,1.000,0.250,0.500\n"
        assert not (out / name / "test_labels.txt").exists()
        assert list(list_clips(out / name, "test")) == ["10"] and list(list_clips(out / name, "train")) == ["2", "20"]
    assert (out / "truth" / "multitask_test.csv").read_text() == f"{MOODS}\n10,0.300,0.200,0.100\n"
    assert groups_of(["2", "3", "5", "10", "20"], out) == ["album-1", "album-1", "artist-7", "album-6", "album-4"]
    assert read_meta(out).source == "a small FMA" and json.loads((out / "meta.json").read_text())["reading"] == "exact"
    assert os.path.samefile(out / GENRE / "train" / "2.fused.full.npy", out / MOOD / "train" / "2.fused.full.npy")
    assert sorted(path.name for path in (out / "audio").iterdir()) == ["2.mp3", "20.wav", "5.ogg"]


def test_every_fault_of_a_file_is_reported(real):
    _, out = real
    reasons = dict(rows(out / "skipped.csv"))
    for file, said in (("098/098565.mp3", "at least 2 s of sound, found 1"), ("000/000040.wav", "silence"),
                       ("000/000041.wav", "NaN"), ("000/000042.mp3", "empty"), ("000/000043.mp3", "cannot be read"),
                       ("000/000044.wav", "found none"), ("stranger.wav", "no label")):
        assert said in reasons.pop(file), file
    assert not reasons
    assert "six known bad" in dict(rows(out / "skipped.csv"))["098/098565.mp3"]
    told = json.loads((out / "extraction.json").read_text())
    assert told["clips"] == 5 and told["skipped"] == 7 and told["counts"][MOOD] == {"train": 2, "test": 1}
    assert told["options"] == {"reading": "exact", "seconds": 30.0, "min_seconds": 2.0, "dtype": "float64"}
    assert told["versions"]["labkit"] == labkit.__version__ and told["last_run"]["files"] == 11


def test_what_is_unusual_is_noted(real):
    _, out = real
    notes = [(clip, file, note.split(":")[0]) for clip, file, note in rows(out / "notes.csv")]
    assert notes == [("3", "000/000003.flac", "clipped"), ("20", "000/000020.wav", "truncated")]


def test_the_lab_reads_the_result(real, monkeypatch):
    _, out = real
    monkeypatch.setenv("LAB_DATA", str(out))
    lab = open_lab("smoke")
    assert lab.describe().startswith("a small FMA") and all(map(lab.has, ("multitask_beat", "chroma_beat", "sound")))
    assert {record.genre for record in lab.recordings()} == {"Hip-Hop", "Rock", None}
    data = SpectrogramDataset(lab.dataset("genre", needs="fused").path, class_mapping=None, feat_type="fused")
    assert data.ids == ["2", "3", "5"] and data[0][0].shape[1] == 140 and data.groups == ["album-1"] * 2 + ["artist-7"]
    assert len(SpectrogramDataset(lab.dataset("multitask").path, train=False)) == 1


# --- plumbing -------------------------------------------------------------------------------------------------------

def test_a_fifth_of_each_genre_is_for_testing_and_no_album_on_both_sides(songs):
    summary = songs()
    assert summary["counts"][GENRE] == {"train": 10, "test": 2}
    assert summary["genres"]["test"] == {"Folk": 1, "Rock": 1}
    groups = dict(zip(sorted(arrays(songs.out)), groups_of(sorted(arrays(songs.out)), songs.out), strict=True))
    test = set(read_label_file(songs.out / GENRE / "test_labels.txt"))
    assert len({groups[clip] for clip in test}) == 1 and not {groups[clip] for clip in set(groups) - test} & {
        groups[clip] for clip in test}
    assert not (songs.out / MOOD).exists() and not (songs.out / ".running").exists()


def test_what_goes_wrong_with_one_file_is_told_and_the_rest_goes_on(songs):
    for number, word in ((1, "bad"), (2, "fault"), (3, "note")):
        songs.song(number).write_text(word)
    summary = songs()
    assert summary["clips"] == 10 and len(arrays(songs.out)) == 10
    assert rows(songs.out / "skipped.csv") == [
        ["folder1/song01.wav", "song01.wav: expected sound, found a test. Do nothing."],
        ["folder2/song02.wav", "RuntimeError: a surprise"]]
    assert rows(songs.out / "notes.csv") == [["song03", "folder0/song03.wav", "a note"]]
    assert "song01" not in (songs.out / "groups.txt").read_text()


def test_a_run_without_one_usable_file_is_an_error_and_writes_no_labels(songs, capsys):
    for number in range(12):
        songs.song(number).write_text("bad")
    with pytest.raises(ExtractionError, match=r"all 12 fail, the first because: song00\.wav: expected sound"):
        songs()
    assert not list(songs.out.rglob("*labels.txt")) and len(rows(songs.out / "skipped.csv")) == 12


def test_nothing_tells_of_arrays_that_a_second_run_loses(songs, tmp_path):
    moods = tmp_path / "moods.csv"
    moods.write_text(f"{MOODS}\n" + "".join(f"song{number:02d},0,0,1\n" for number in range(12)))
    songs(mood=moods)
    assert (songs.out / "truth" / "multitask_test.csv").is_file()
    for number in range(12):
        songs.song(number).write_text("bad")
    with pytest.raises(ExtractionError, match="No labels were written"):
        songs(mood=moods)
    left = {path.name for path in songs.out.rglob("*") if path.is_file()}
    assert left == {"skipped.csv", "journal.jsonl", "meta.json", ".extract.lock"}


def test_what_is_no_longer_asked_for_goes(songs, tmp_path):
    moods = tmp_path / "moods.csv"
    moods.write_text(f"{MOODS}\n" + "".join(f"song{number:02d},0,0,1\n" for number in range(12)))
    songs(mood=moods, copies=2)
    (songs.out / "audio" / "mine.wav").write_text("of the reader")
    songs(copies=1)
    assert not (songs.out / "truth").exists() and len(list((songs.out / "audio").iterdir())) == 3
    songs(copies=0)
    assert [path.name for path in (songs.out / "audio").iterdir()] == ["mine.wav"] and len(begun(songs.log)) == 12


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text(songs):
    """Without a label, with one, and as the name of the result."""
    for name in (b"caf\xe9.wav", b"na\xefve.wav"):
        Path(os.fsdecode(os.fsencode(songs.audio) + b"/" + name)).write_text("note")
    with songs.table.open("a") as file:
        file.write("na_ve.wav,Folk,album9\n")
    assert songs(out=os.fsdecode(b"r\xe9sultat"), progress=True, copies=9)["clips"] == 13
    out = songs.out.parent / os.fsdecode(b"r\xe9sultat")
    assert rows(out / "skipped.csv") == [[r"caf\udce9.wav", "no label for the id caf_"]]
    assert rows(out / "notes.csv") == [["na_ve", r"na\udcefve.wav", "a note"]]


def test_long_names(songs, tmp_path):
    """As long as a name can be, with all that is made of it; a longer one is left out."""
    fits, longer = "a" * 240, "b" * 241
    for name in (fits, longer):
        (songs.audio / f"{name}.wav").write_text("good")
    with songs.table.open("a") as file:
        file.write(f"{fits}.wav,Jazz,9\n{longer}.wav,Folk,9\n")
    moods = tmp_path / "moods.csv"
    moods.write_text(f"{MOODS}\n{fits},0,0,1\n")
    assert songs(mood=moods, copies=9)["clips"] == 13 and fits in arrays(songs.out, MOOD)
    [[file, reason]] = rows(songs.out / "skipped.csv")
    assert file == f"{longer}.wav" and "the name is too long" in reason


def test_a_link_to_a_folder_is_told(songs, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (songs.audio / "linked").symlink_to(elsewhere)
    songs()
    [[file, reason]] = rows(songs.out / "skipped.csv")
    assert file == "linked" and "a link to a folder is not followed" in reason


def test_arrays_that_are_not_finite_are_refused(tmp_path):
    whole = np.ones((140, 9))
    whole[3, 4:6] = np.nan, np.inf
    job = clips.Job("7", tmp_path / "7.wav", "key", (tmp_path / "a", tmp_path / "b"), tmp_path / "running")
    record = extract_clip(job, Options("exact", 30.0, 5.0, "float64"), lambda *_: Arrays(whole, whole[:, :2], 6.0, []))
    assert "7.wav: expected finite features, found 2 that are NaN or infinite" in record["reason"]
    assert not (tmp_path / "a").exists() and not list(job.running.iterdir())


def test_one_sample_too_few_does_not_read_as_enough(tmp_path):
    soundfile.write(tmp_path / "a.wav", tune(5)[:-1], RATE)
    with pytest.raises(AudioError, match=r"at least 5 s of sound, found 4\.999 s"):
        clips.analyse(tmp_path / "a.wav", Options("exact", None, 5.0, "float64"))


def test_a_second_run_does_nothing_and_a_changed_file_is_extracted_again(songs):
    songs()
    first = tree(songs.out)
    songs()
    assert tree(songs.out) == first and len(begun(songs.log)) == 12
    songs.song(4).write_text("note now another")
    os.utime(songs.song(5), ns=(0, 1))
    (next(songs.out.glob(f"{GENRE}_beat/*/song06.*"))).write_bytes(b"short")
    (next(songs.out.glob(f"{GENRE}/*/song07.*"))).unlink()
    songs()
    assert begun(songs.log)[12:] == ["song04", "song05", "song06", "song07"]
    again = tree(songs.out)
    assert {name for name in first if again[name] != first[name]} == {
        name for name in first if "song04" in name and name.endswith(".npy")} | {"notes.csv"}
    songs.song(4).write_text("bad")
    songs()
    assert "song04" not in arrays(songs.out)


def test_other_options_are_refused_and_change_nothing(songs):
    songs()
    before = tree(songs.out)
    for options, said in (({"reading": "fast"}, "reading exact there and fast now"), ({"seconds": 10.0}, "30.0 there"),
                          ({"dtype": "float32"}, "float64 there"), ({"min_seconds": 1.0}, "5.0 there")):
        with pytest.raises(ExtractionError, match=f"(?s)Expected the options .*{said}.* Use the same, or"):
            songs(**options)
    assert tree(songs.out) == before and len(begun(songs.log)) == 12


@pytest.mark.parametrize("change, said", [
    ({"libraries": {"numpy": "1.0"}}, r"versions of the libraries .*numpy 1\.0 there .* constraints\.txt"),
    ({"features": "0" * 12}, "version of labkit .*features 000000000000 there .* Use that version")])
def test_other_versions_are_told_from_other_options(songs, change, said):
    songs()
    journal = songs.out / "journal.jsonl"
    head, *others = journal.read_text().splitlines()
    head = json.loads(head)
    for name, value in change.items():
        head[name] = head[name] | value if name == "libraries" else value
    journal.write_text("\n".join([json.dumps(head), *others]) + "\n")
    with pytest.raises(ExtractionError, match=f"(?s){said}") as raised:
        songs()
    assert "Use the same" not in str(raised.value) and "options" not in str(raised.value)


def test_the_digest_is_of_the_code_that_decides_the_arrays(monkeypatch):
    seen = []
    monkeypatch.setattr("labkit.extraction.journal.code_digest", lambda files: seen.extend(files) or "x" * 64)
    _features_digest()
    names = {path.name for path in seen}
    assert {"clips.py", "__init__.py", "sound.py", "chroma.py"} <= names and "course.py" not in names


def test_other_labels_move_what_is_finished(songs, tmp_path):
    """Nothing is extracted twice, or lost, because a table was corrected."""
    songs()
    other = tmp_path / "other.csv"
    other.write_text(f"{MOODS}\n" + "".join(f"song{number:02d},0.5,0.5,{number / 12:.3f}\n" for number in range(8)))
    assert songs(labels=other)["counts"][MOOD] == {"train": 6, "test": 2}
    assert not (songs.out / GENRE).exists() and len(list(songs.out.glob("unused*/*.npy"))) == 8
    songs(mood=other)
    assert arrays(songs.out) == {f"song{number:02d}" for number in range(12)} and not list(songs.out.glob("unused/*"))
    assert len(arrays(songs.out, MOOD)) == 8 and len(begun(songs.log)) == 12
    for path in songs.out.glob(f"{MOOD}*/*/*.npy"):
        assert os.path.samefile(path, str(path).replace(MOOD, GENRE))
    songs.song(0).write_text("good and changed")
    songs(mood=other)
    assert begun(songs.log)[12:] == ["song00"]
    for path in songs.out.glob(f"{MOOD}*/*/song00.*"):
        assert os.path.samefile(path, str(path).replace(MOOD, GENRE))


def test_where_there_are_no_hard_links_files_are_copied(songs, tmp_path, monkeypatch):
    moods = tmp_path / "moods.csv"
    moods.write_text(f"{MOODS}\nsong00,0,0,1\nsong01,0,0,1\n")
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    songs(mood=moods)
    first = {path: path.stat().st_ino for path in songs.out.glob(f"{MOOD}*/*/*.npy")}
    assert len(first) == 4
    songs(mood=moods)
    assert {path: path.stat().st_ino for path in songs.out.glob(f"{MOOD}*/*/*.npy")} == first


def test_limit_keeps_whole_albums_of_each_genre(songs, tmp_path):
    by_genre = tmp_path / "by_genre.csv"
    by_genre.write_text("file,genre,album\n" + "".join(
        f"song{number:02d},{'Folk' if number < 6 else 'Rock'},{number // 2}\n" for number in range(12)))
    summary = songs(labels=by_genre, limit=3)
    assert summary["clips"] == 4 and set().union(*summary["genres"].values()) == {"Folk", "Rock"}
    assert all(count == 2 for count in Counter(groups_of(sorted(arrays(songs.out)), songs.out)).values())
    assert songs(labels=by_genre)["clips"] == 12 and len(begun(songs.log)) == 12


def test_float32_and_copies(songs):
    songs(dtype="float32", copies=2)
    assert all(np.load(path).dtype == np.float32 for path in songs.out.glob("fma*/*/*.npy"))
    assert len(list((songs.out / "audio").iterdir())) == 4
    other = songs(out="none", copies=0)
    assert not (songs.out.parent / "none" / "audio").exists() and other["source"] == "the folder songs"


def test_without_groups_neighbours_or_single_clips_stand_together(songs, tmp_path):
    table = tmp_path / "plain.csv"
    table.write_text("id,genre\n" + "".join(f"song{number:02d},{number % 2}\n" for number in range(12)))
    songs(labels=table)
    assert len(set(groups_of(sorted(arrays(songs.out)), songs.out))) == 12


def test_two_files_of_one_id_are_named(songs, tmp_path):
    twin = songs.audio / "other" / "song03.mp3"
    twin.parent.mkdir()
    twin.write_text("good")
    with pytest.raises(ExtractionError, match=r"(?s)folder0/song03\.wav and .*other/song03\.mp3"):
        songs()
    twin.rename(twin.with_name("Song03.mp3"))
    songs.table.write_text(songs.table.read_text() + "Song03.mp3,Folk,album9\n")
    with pytest.raises(ExtractionError, match=r"(?s)song03\.wav and .*Song03\.mp3, .* small letters being the same"):
        songs()
    twin.with_name("Song03.mp3").rename(twin)
    table = tmp_path / "with_folders.csv"
    table.write_text("file,genre\nother/song03.mp3,Folk\nfolder0/song03.wav,Rock\n")
    assert songs(labels=table)["clips"] == 2 and arrays(songs.out) == {"other_song03", "folder0_song03"}


def test_folders_that_do_not_fit(songs, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious.txt").write_text("keep")
    (tmp_path / "a_file").write_text("")
    for out, said in ((songs.audio, "outside the folder of sound"), (songs.audio / "deep/er", "outside the folder"),
                      (tmp_path, "not above it"), (full, "found other things"), (tmp_path / "a_file", "found the file"),
                      (tmp_path / "a_file" / "below", "Expected to write into")):
        with pytest.raises(ExtractionError, match=said):
            songs(out=out)
    with pytest.raises(ExtractionError, match="folder of sound files at"):
        extract_folder(tmp_path / "nowhere", songs.out, songs.table)
    with pytest.raises(ExtractionError, match="found 0 sound files"):
        extract_folder(full, songs.out, songs.table)
    with pytest.raises(ExtractionError, match="found 12 sound files and a label for none"):
        (tmp_path / "t.csv").write_text("id,genre\n1,Rock\n")
        songs(labels=tmp_path / "t.csv")
    for options in ({"reading": "slow"}, {"dtype": "float16"}, {"seconds": 3.0}, {"min_seconds": 0.0}):
        with pytest.raises(ExtractionError, match="Expected"):
            songs(**options)
    assert sorted(path.name for path in full.iterdir()) == ["precious.txt"] and not songs.out.exists()


def test_a_result_that_cannot_be_written_is_an_error(songs, monkeypatch):
    for number, said in ((errno.ENOSPC, "Free some space"), (errno.EACCES, "Look at its permissions")):
        error = OSError(number, "as the system says it")
        monkeypatch.setattr(clips.np, "save", lambda *_, error=error, **__: (_ for _ in ()).throw(error))
        with pytest.raises(ExtractionError, match=rf"as the system says it\)\. {said}"):
            songs()


def test_a_process_at_a_time(songs):
    from filelock import FileLock

    songs.out.mkdir()
    with FileLock(songs.out / ".extract.lock"), pytest.raises(ExtractionError, match="another one that extracts"):
        songs()
    songs()


def test_the_command_line_has_no_traceback(songs, capsys):
    arguments = ["extract", str(songs.audio), str(songs.audio / "out"), "--labels", str(songs.table)]
    assert cli.main(arguments) == 1 and "outside the folder of sound" in capsys.readouterr().err
    arguments[2] = str(songs.out)  # files of words are no sound
    assert cli.main([*arguments, "--jobs", "1", "--seconds", "whole"]) == 1
    assert "all 12 fail" in capsys.readouterr().err
    for wrong in (["--seconds", "0"], ["--min-seconds", "x"], ["--audio", "-1"], ["--jobs", "0"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main([*arguments, *wrong])
        assert stopped.value.code == 2
    capsys.readouterr()


def test_the_command_line_passes_every_option_on(monkeypatch):
    told = {}
    monkeypatch.setattr("labkit.extraction.extract_folder", lambda *paths, **options: told.update(options, paths=paths))
    assert cli.main("extract a b --labels c --mood d --subset small --limit 7 --reading fast --seconds 12.5 "
                    "--min-seconds 2 --dtype float32 --audio 0 --source e --seed 0 --jobs 3 --scheduler f".split()) == 0
    assert told == {"paths": (Path("a"), Path("b"), Path("c"), Path("d")), "subset": "small", "limit": 7, "copies": 0,
                    "reading": "fast", "seconds": 12.5, "min_seconds": 2.0, "dtype": "float32", "source": "e",
                    "seed": 0, "jobs": 3, "scheduler": "f"}
    inspected = inspect.signature(extract_folder).parameters
    assert {*told} - {"paths"} == {*inspected} - {"audio", "out", "labels", "mood", "progress", "analyse"}


# --- killed ---------------------------------------------------------------------------------------------------------

def script(songs, pause, jobs=1):
    return subprocess.Popen(
        [sys.executable, __file__, songs.audio, songs.out, songs.table, songs.log, str(pause), str(jobs)],
        env=os.environ | {"PYTHONPATH": str(Path(labkit.__file__).parents[1])}, stderr=subprocess.PIPE, text=True)


def wait_until(condition):
    """Give up after a time that only a hanging process needs."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.005)
    return found


def test_a_killed_run_is_taken_up_where_it_was(songs):
    process = script(songs, pause=0.1)
    wait_until(lambda: len(begun(songs.log)) >= 5)
    process.kill()
    process.communicate()
    done = len((songs.out / "journal.jsonl").read_text().splitlines()) - 1
    assert 3 <= done < 12 and not list(songs.out.rglob("*labels.txt"))
    with (songs.out / "journal.jsonl").open("a") as file:
        file.write('{"id": "song11", "sizes": [1')  # as if the kill had come in the middle of a line
    before = len(begun(songs.log))
    songs()
    assert len(begun(songs.log)) - before == 12 - done and arrays(songs.out) == {f"song{n:02d}" for n in range(12)}
    songs(out="undisturbed")
    assert tree(songs.out) == tree(songs.out.parent / "undisturbed")


def test_a_file_that_ends_its_process_is_reported_and_the_rest_is_extracted(songs, capsys):
    songs.song(2).write_text("deadly")
    summary = songs(jobs=2)
    assert summary["clips"] == 11
    [[file, reason]] = rows(songs.out / "skipped.csv")
    assert file == "folder2/song02.wav" and "ended 3 times" in reason
    count = Counter(begun(songs.log))
    assert count["song02"] == 3 and max(count[f"song{n:02d}"] for n in range(12) if n != 2) <= 2
    assert "Workers were lost" in capsys.readouterr().err
    assert not (songs.out / ".running").exists()


def test_workers_that_are_always_lost_are_an_error(songs, monkeypatch):
    def lost(*_, **__):
        raise RuntimeError("gone\nin two lines")

    monkeypatch.setattr("joblib.Parallel", lambda **_: lost)
    with pytest.raises(ExtractionError, match=r"lost before they finish one \(RuntimeError: gone\)"):
        songs()


def test_a_stop_by_the_reader_keeps_what_is_finished(songs):
    songs.song(6).write_text("stops")
    with pytest.raises(KeyboardInterrupt):
        songs()
    songs.song(6).write_text("good")
    songs()
    assert Counter(begun(songs.log)) == Counter([f"song{n:02d}" for n in range(12)] + ["song06"])


def test_a_clip_that_ended_its_process_too_often_is_not_tried_again(tmp_path):
    job = clips.Job("7", tmp_path / "7.wav", "key", (tmp_path / "a", tmp_path / "b"), tmp_path / "running")
    for number in range(3):
        (job.running / f"{job.mark}.{number}").mkdir(parents=True)
    other = job._replace(key="of the file as it was")
    (job.running / f"{other.mark}.0").mkdir()
    assert "ended 3 times" in extract_clip(job, Options("exact", 30.0, 5.0, "float64"))["reason"]
    assert [path.name for path in job.running.iterdir()] == [f"{other.mark}.0"]


@pytest.mark.slow
def test_a_file_that_ends_the_only_process_is_left_out_after_three_runs(songs):
    songs.song(2).write_text("deadly")
    for _ in range(3):
        assert script(songs, pause=0).wait(60) == -signal.SIGKILL
    assert songs()["clips"] == 11 and "ended 3 times" in rows(songs.out / "skipped.csv")[0][1]
    assert Counter(begun(songs.log)) == Counter([f"song{n:02d}" for n in range(12)] + ["song02"] * 2)


@pytest.mark.slow
def test_the_last_clip_of_several_processes_does_not_end_the_run(songs):
    songs.song(2).write_text("bad")
    songs()
    songs.song(2).write_text("deadly")
    assert songs(jobs=2)["clips"] == 11 and "ended 3 times" in rows(songs.out / "skipped.csv")[0][1]


# --- on a cluster ---------------------------------------------------------------------------------------------------

@pytest.fixture
def cluster():
    """A scheduler and two worker processes on this machine."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_loses_nothing(songs, cluster):
    songs(out="undisturbed")
    songs.log.unlink()
    killed = []

    def kill_one():
        _, pid = wait_until(lambda: songs.log.exists() and songs.log.read_text().splitlines()[3:4])[0].split()
        os.kill(int(pid), signal.SIGKILL)
        killed.append(pid)

    from threading import Thread

    killer = Thread(target=kill_one)
    killer.start()
    summary = songs(scheduler=cluster.scheduler_address, analyse=stand_in(songs.log, 0.15))
    killer.join()
    count = Counter(begun(songs.log))
    assert killed and summary["clips"] == 12 and summary["skipped"] == 0
    assert set(count) == {f"song{n:02d}" for n in range(12)} and sum(count.values()) <= 13, count  # one in flight
    journal = [json.loads(line) for line in (songs.out / "journal.jsonl").read_text().splitlines()[1:]]
    assert len(journal) == 12 and len({line["id"] for line in journal}) == 12
    assert tree(songs.out) == tree(songs.out.parent / "undisturbed")


@pytest.mark.slow
@pytest.mark.parametrize("forgiving", [True, False])
def test_a_file_that_ends_workers_of_a_cluster_is_reported(songs, cluster, monkeypatch, forgiving):
    """Also where Dask gives a clip up before we do, of which joblib hears nothing."""
    cluster.scheduler.allowed_failures = 3 if forgiving else 0
    monkeypatch.setattr(clips, "PATIENCE", 600 if forgiving else 3)
    songs.song(2).write_text("deadly")
    summary = songs(scheduler=cluster.scheduler_address)
    assert summary["clips"] == 11 and "ended 3 times" in rows(songs.out / "skipped.csv")[0][1]
    assert Counter(begun(songs.log))["song02"] == 3


def test_a_scheduler_that_is_not_there_is_an_error(songs, monkeypatch):
    monkeypatch.setattr(clips, "REACH", 0.2)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(ExtractionError, match="Expected a Dask scheduler at"):
            songs(scheduler=address)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtractionError, match=r"python -m pip install -e \"\.\[cluster\]\""):
        songs(scheduler="tcp://127.0.0.1:9")


if __name__ == "__main__":
    audio, out, labels, log, pause, jobs = sys.argv[1:]
    extract_folder(audio, out, labels, jobs=int(jobs), progress=False, analyse=stand_in(log, float(pause)))
