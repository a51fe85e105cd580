"""The composed corpus on disk: its plan and texts, how it is made, kept whole and found again."""

import csv
import dataclasses
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import quick_clips
from threadpoolctl import threadpool_limits

from labkit import cli, corpus
from labkit.corpus.build import CorpusError, build, digest, is_made, location, read_clips, remove_old, size_on_disk
from labkit.corpus.plan import Clip, genre_counts, multitask_counts, plan, texts
from labkit.features import extract
from labkit.profiles import PROFILES, Profile

ROOT = Path(corpus.__file__).resolve().parents[2]
FOLDERS = ("fma_genre_spectrograms", "fma_genre_spectrograms_beat", "multitask_dataset", "multitask_dataset_beat")
QUICK = quick_clips.PROFILE
TINY = Profile("tiny", clips_per_genre=1, multitask_clips=2, seconds=2.0, max_per_class=None, epochs=1)
VERIFY = {"progress": False, "workers": 1, "verify": True}
MEND = {"progress": False, "workers": 1}
builder = import_module("labkit.corpus.build")  # the modules, whose functions have the same names
planner = import_module("labkit.corpus.plan")


def contents_of(folder):
    """Every file that has to be the same wherever the corpus is made; the index holds times."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name != "index.json"}


def script(cache, seconds=0.0, **options):
    """A process that builds the quick corpus."""
    variables = {"LAB_CACHE": str(cache), "CLIP_SECONDS": str(seconds), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, quick_clips.__file__, json.dumps({"progress": False} | options)],
                            env=os.environ | variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until(condition, seconds=60):
    """Give up after a time that only a hanging process needs."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.005)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The quick corpus as one process makes it, and never written into."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("undisturbed")))
        patch.setattr(planner, "GENRES", quick_clips.GENRES)
        patch.setattr(builder, "contents", quick_clips.contents)
        return build(QUICK, workers=1, progress=False)


@pytest.fixture
def quick(monkeypatch, tmp_path, undisturbed):
    """A copy of it, with the times of its files; `made` notes the ids of the clips that are made from now on."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(planner, "GENRES", quick_clips.GENRES)
    made = []

    def contents(clip):
        made.append(clip.id)
        return quick_clips.contents(clip)

    monkeypatch.setattr(builder, "contents", contents)
    folder = Path(shutil.copytree(undisturbed, location(QUICK)))
    return folder, made


@pytest.fixture
def no_clips(monkeypatch, tmp_path):
    """An empty cache, and clips of noise."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(planner, "GENRES", quick_clips.GENRES)
    monkeypatch.setattr(builder, "contents", quick_clips.contents)
    return tmp_path


# --- the plan -------------------------------------------------------------------------------------------------------

def test_full_has_the_counts_of_the_course():
    clips = plan(PROFILES["full"])
    count = Counter((clip.dataset, clip.genre, clip.split) for clip in clips)
    rare = {"Metal": (153, 38), "Post-Rock": (95, 23), "Soundtrack": (124, 30), "Trip-Hop": (137, 34)}
    for genre in planner.GENRES:
        found = tuple(count["fma_genre_spectrograms", genre, split] for split in ("train", "test"))
        assert found == rare.get(genre, (160, 40)), genre
    assert planner.counts(clips)["multitask_dataset"] == {"train": 1122, "test": 375}
    each = [count["multitask_dataset", genre, "test"] for genre in planner.GENRES]
    assert max(each) - min(each) <= 1


def test_the_courses_genres_are_3069_and_765(monkeypatch):
    monkeypatch.setattr(planner, "GENRES", (*planner.COURSE_COUNTS, *map(str, range(16))))
    assert tuple(map(sum, zip(*genre_counts(PROFILES["full"]).values(), strict=True))) == (3069, 765)


@pytest.mark.parametrize("size", [3, 4, 10, 20, 40])
def test_smaller_profiles_keep_the_shares(monkeypatch, size):
    monkeypatch.setattr(planner, "GENRES", ("Rock", "Metal", "Post-Rock"))
    profile = Profile("any", size, 7 * size, 3.0, None, 1)
    found = genre_counts(profile)
    assert all(train >= 2 and test >= 1 for train, test in found.values())
    assert found["Rock"] == (round(size * 0.8), round(size * 0.2))
    assert size < 20 or sum(found["Post-Rock"]) < sum(found["Metal"]) < sum(found["Rock"]) == size
    moods = multitask_counts(profile)
    assert sum(map(sum, moods.values())) == 7 * size
    assert sum(test for _, test in moods.values()) == round(7 * size * 375 / 1497)
    assert min(min(pair) for pair in moods.values()) >= 0


def test_plan_of_the_full_course():
    """Ids, albums and splits at the course's own size; nothing is rendered."""
    clips = plan(PROFILES["full"])
    assert clips == plan(PROFILES["full"]) != plan(PROFILES["full"], seed=1)
    ids = [clip.id for clip in clips]
    assert ids == sorted(set(ids)) and len({clip.seed for clip in clips}) == len(clips)
    assert not {clip.seed for clip in clips} & {clip.seed for clip in plan(PROFILES["full"], seed=1)}
    for one, other in itertools.pairwise(clips):
        same = one.album == other.album
        assert (other.id - one.id == 1) if same else (other.id - one.id > 10)
        assert not same or (one.genre, one.dataset) == (other.genre, other.dataset)
    sizes = np.unique([clip.album for clip in clips], return_counts=True)[1]
    assert sizes.min() >= 2 and sizes.max() <= 6 and 3.0 < sizes.mean() < 4.0
    genre = [clip for clip in clips if clip.dataset == "fma_genre_spectrograms"]
    trained = {clip.album for clip in genre if clip.split == "train"}
    straddling = np.mean([clip.album in trained for clip in genre if clip.split == "test"])
    assert straddling > 0.9  # the leak that a track-random split has


def test_texts_are_a_matter_of_the_plan_alone():
    """Byte by byte, the label files with the course's own faulty names."""
    def clip(id, split, dataset="fma_genre_spectrograms"):
        return Clip(id, "Trip-Hop", 7, 10 + id, split, dataset, 3.0)

    clips = [clip(1, "train"), clip(2, "test"), clip(30, "train", "multitask_dataset"),
             clip(31, "test", "multitask_dataset")]
    found = texts(clips, {30: "0.100,0.200,0.300", 31: "0.400,0.500,0.600"})
    assert json.loads(found.pop("meta.json")) == {"frames_per_second": 22050 / 512, "fmax": 11025, "rows": 140,
                                                  "source": "composed corpus"}
    head = "id,genre,album,seed,split,dataset,seconds\n"
    assert found.pop("clips.csv").startswith(f"{head}1,Trip-Hop,7,11,train,fma_genre_spectrograms,3.0\n2,")
    train = "Id,valence,energy,danceability\n30,0.100,0.200,0.300\n"
    assert found == {
        "groups.txt": "Id\tGroup\n1\t7\n2\t7\n30\t7\n31\t7\n",
        "fma_genre_spectrograms/train_labels.txt": "Id\tGenre\n1.fused.full.npy.gz\tTrip-Hop\n",
        "fma_genre_spectrograms/test_labels.txt": "Id\tGenre\n2.full.fused.npy.gz\tTrip-Hop\n",
        "fma_genre_spectrograms_beat/train_labels.txt": "Id\tGenre\n1.beatsync.fused.npy.gz\tTrip-Hop\n",
        "fma_genre_spectrograms_beat/test_labels.txt": "Id\tGenre\n2.beatsync.fused.npy.gz\tTrip-Hop\n",
        "multitask_dataset/train_labels.txt": train, "multitask_dataset_beat/train_labels.txt": train,
        "truth/multitask_test.csv": "Id,valence,energy,danceability\n31,0.400,0.500,0.600\n",
    }


def test_a_table_is_read_as_it_was_written():
    clips = plan(QUICK, seed=3)
    assert planner.read_table(texts(clips, {clip.id: "" for clip in clips})["clips.csv"]) == clips


# --- the folder -----------------------------------------------------------------------------------------------------

def test_layout(undisturbed):
    names = {(name, split): sorted(file.name for file in (undisturbed / name / split).iterdir())
             for name in FOLDERS for split in ("train", "test")}
    for dataset in FOLDERS[::2]:
        for split in ("train", "test"):
            assert names[dataset, split] == names[f"{dataset}_beat", split]
    assert [len(found) for found in names.values()] == [15, 3, 15, 3, 9, 3, 9, 3]
    assert all(name.endswith(".fused.full.npy") for found in names.values() for name in found)
    assert {path.name for path in undisturbed.iterdir()} == {
        *FOLDERS, "truth", "groups.txt", "meta.json", "clips.csv", "checksums.txt", "made.tsv", "index.json",
        "complete.json"}
    with (undisturbed / "clips.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 30 == len(read_clips(undisturbed))
    marker = json.loads((undisturbed / "complete.json").read_text())
    assert marker["format"] == builder.FORMAT and marker["counts"]["multitask_dataset"] == {"train": 9, "test": 3}


def test_arrays_and_moods_are_those_of_their_clips(undisturbed):
    for clip in read_clips(undisturbed):
        whole, beat, mood = quick_clips.contents(clip)
        for path, values in zip(clip.files(), (whole, beat), strict=True):
            stored = np.load(undisturbed / path, allow_pickle=False)
            assert stored.dtype == np.float64
            np.testing.assert_array_equal(stored, values)
        if clip.dataset == "multitask_dataset":
            labels = "multitask_dataset/train_labels.txt" if clip.split == "train" else "truth/multitask_test.csv"
            assert f"\n{clip.id},{mood}\n" in (undisturbed / labels).read_text()


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum on this system")
def test_checksums_are_those_of_the_system_and_of_all_data(undisturbed):
    done = subprocess.run(["sha256sum", "--strict", "-c", "checksums.txt"], cwd=undisturbed, capture_output=True)
    assert done.returncode == 0, done.stdout
    named = {line.split("  ")[1] for line in (undisturbed / "checksums.txt").read_text().splitlines()}
    own = {"checksums.txt", "made.tsv", "complete.json"}
    assert named == set(contents_of(undisturbed)) - own


# --- made once, whoever makes it ------------------------------------------------------------------------------------

def test_several_processes_make_the_same_files(undisturbed, tmp_path):
    done = script(tmp_path, workers=2)
    folder, errors = done.communicate()
    assert done.returncode == 0, errors
    assert contents_of(Path(folder.strip())) == contents_of(undisturbed)
    assert not errors


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_killed_in_the_middle_and_resumed(undisturbed, no_clips):
    folder = location(QUICK)
    killed = script(no_clips, seconds=0.1, workers=2)
    wait_until(lambda: len(list(folder.rglob("*.npy"))) > 10)
    killed.kill()
    killed.communicate()  # returns when its workers, which hold its streams, have ended too
    assert not is_made(QUICK)
    kept = {line.split("\t")[0]: None for line in (folder / "made.tsv").read_text().splitlines()[1:]}
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy") if path.name.split(".")[0] in kept}
    assert 4 <= len(kept) < 30
    (folder / "made.tsv").open("a").write("1234\tbroken off in the mid")
    half = folder / "truth" / ".x.npy.99.partial"
    half.write_bytes(b"half")
    assert build(QUICK, workers=1, progress=False) == folder
    assert contents_of(folder) == contents_of(undisturbed)
    assert all(path.stat().st_mtime_ns == then for path, then in times.items())


def test_a_clip_with_one_of_its_two_files_is_made_again(quick, undisturbed):
    folder, made = quick
    (folder / "complete.json").unlink()
    clip = read_clips(folder)[5]
    (folder / clip.files()[1]).unlink()
    build(QUICK, **MEND)
    assert made == [clip.id] and contents_of(folder) == contents_of(undisturbed)
    assert is_made(QUICK)


def test_the_second_of_two_processes_waits_and_says_so(undisturbed, no_clips):
    first = script(no_clips, seconds=0.15, workers=1)
    wait_until((location(QUICK) / "maker.pid").is_file)
    second = script(no_clips, seconds=0.15, workers=1)
    (folder, errors), (same, said) = first.communicate(), second.communicate()
    assert first.returncode == second.returncode == 0, errors + said
    assert folder == same and contents_of(Path(folder.strip())) == contents_of(undisturbed)
    assert errors == ""
    assert said == f"Another process (pid {first.pid}) is composing the same corpus; waiting for it.\n"
    times = [path.stat().st_mtime for path in Path(folder.strip()).rglob("*.npy")]
    assert max(times) - min(times) > 29 * 0.15 - 0.5  # made one after another by the first alone


def test_a_full_disk_is_told_and_leaves_nothing_half_written(no_clips, undisturbed):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # less than one whole clip: writing fails part of the way
    try:
        with pytest.raises(CorpusError, match=r"could not be written to .*LAB_CACHE"):
            build(QUICK, workers=1, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    folder = location(QUICK)
    assert [path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".tsv"] == [
        path.name for path in folder.rglob("*_beat/*/*.npy")]
    build(QUICK, workers=1, progress=False)
    assert contents_of(folder) == contents_of(undisturbed)


def test_an_error_in_a_worker_keeps_the_finished_clips(no_clips, monkeypatch):
    last = plan(QUICK)[-1].id

    def contents(clip):
        if clip.id == last:
            raise ValueError("no such chord")
        return quick_clips.contents(clip)

    monkeypatch.setattr(builder, "contents", contents)
    with pytest.raises(ValueError, match="no such chord"):
        build(QUICK, workers=1, progress=False)
    assert len((location(QUICK) / "made.tsv").read_text().splitlines()) == 30  # the header and all but one


# --- kept whole -----------------------------------------------------------------------------------------------------

def flip(path, at=500):
    """Change one bit of a file, but neither its size nor its time of change."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_whole_corpus_is_left_alone(quick):
    folder, made = quick
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert build(QUICK, **MEND) == build(QUICK, **VERIFY) == folder
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert not made
    assert {path.name for path in before if before[path] != after[path]} <= {"index.json", "complete.json"}


def test_a_flipped_bit_is_found_by_its_checksum(quick, undisturbed):
    folder, made = quick
    clip = read_clips(folder)[3]
    flip(folder / clip.files()[0])
    build(QUICK, **MEND)
    assert not made, "size and time are as recorded"
    build(QUICK, **VERIFY)
    assert made == [clip.id] and contents_of(folder) == contents_of(undisturbed)


def damage_time(path):
    flip(path)
    os.utime(path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [damage_time, truncate, Path.unlink], ids=["flipped", "truncated", "deleted"])
def test_what_shows_in_size_or_time_is_found_at_once(quick, undisturbed, damage, capsys):
    folder, made = quick
    clip = read_clips(folder)[8]
    damage(folder / clip.files()[1])
    assert not is_made(QUICK)
    build(QUICK, workers=1)
    assert made == [clip.id] and contents_of(folder) == contents_of(undisturbed)
    assert "1 of 30 composed clips are missing or damaged" in capsys.readouterr().err
    assert is_made(QUICK)
    build(QUICK, **MEND)
    assert made == [clip.id]


def test_a_copy_with_other_times_is_looked_at_once_and_kept(quick, monkeypatch):
    folder, made = quick
    for path in folder.rglob("*.npy"):
        os.utime(path)
    looked = []
    sum_of_file = builder._sum_of_file
    monkeypatch.setattr(builder, "_sum_of_file", lambda path: looked.append(path) or sum_of_file(path))
    build(QUICK, **MEND)
    assert len(looked) == 60 and not made
    build(QUICK, **MEND)
    assert len(looked) == 60


@pytest.mark.parametrize("name", ["fma_genre_spectrograms/train_labels.txt", "truth/multitask_test.csv", "groups.txt",
                                  "multitask_dataset_beat/train_labels.txt", "checksums.txt"])
def test_an_edited_text_is_written_again(quick, undisturbed, name):
    folder, made = quick
    (folder / name).write_text("edited")
    build(QUICK, **MEND)
    flip(folder / name, at=5)
    build(QUICK, **VERIFY)
    assert not made and contents_of(folder) == contents_of(undisturbed)


@pytest.mark.parametrize("name", ["complete.json", "index.json"])
@pytest.mark.parametrize("content", ["", "[1]", "{}", None])
def test_without_marker_or_index_the_clips_are_kept(quick, undisturbed, name, content):
    folder, made = quick
    (folder / name).unlink() if content is None else (folder / name).write_text(content)
    assert not is_made(QUICK)
    build(QUICK, **MEND)
    assert is_made(QUICK) and not made and contents_of(folder) == contents_of(undisturbed)


def test_a_damaged_record_is_not_believed(quick, undisturbed):
    """A wrong checksum in the record must not pass for a damaged clip, or for another machine."""
    folder, made = quick
    flip(folder / "made.tsv", at=200)
    build(QUICK, **VERIFY)
    assert len(made) == 30 and contents_of(folder) == contents_of(undisturbed)


def test_another_format_is_made_anew(quick, monkeypatch):
    _, made = quick
    monkeypatch.setattr(builder, "FORMAT", builder.FORMAT + 1)
    assert not is_made(QUICK)
    build(QUICK, **MEND)
    assert len(made) == 30 and is_made(QUICK)


def test_a_machine_that_makes_other_numbers_is_told(quick, monkeypatch):
    folder, _ = quick
    clip = read_clips(folder)[0]
    (folder / clip.files()[0]).unlink()

    def contents(clip):
        whole, beat, mood = quick_clips.contents(clip)
        return np.nextafter(whole, 2), beat, mood

    monkeypatch.setattr(builder, "contents", contents)
    before = contents_of(folder)
    with pytest.raises(CorpusError, match=rf"Clip {clip.id} .*expected SHA-256.*found.*other numbers.*LAB_CACHE"):
        build(QUICK, **MEND)
    assert contents_of(folder) == before


# --- found again ----------------------------------------------------------------------------------------------------

def test_a_complete_corpus_is_found_and_nothing_heavy_is_loaded_for_it(undisturbed):
    """Each lesson asks for it; a wall-clock limit here would fail on a busy machine, so look at what it does."""
    code = (f"import sys; from labkit import corpus; from labkit.profiles import Profile; "
            f"found = corpus.build(Profile(**{dataclasses.asdict(QUICK)!r}), progress=False); "
            "print(found.name, *{'filelock', 'librosa', 'torch', 'tqdm'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env=os.environ | {"LAB_CACHE": str(undisturbed.parents[1]), "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [undisturbed.name]


def test_digest_covers_sizes_seed_styles_and_libraries(monkeypatch):
    seen = {digest(TINY), digest(TINY, 1)}
    assert digest(TINY) == digest(dataclasses.replace(TINY, epochs=9, name="other", max_per_class=3))
    for change in ({"clips_per_genre": 4}, {"multitask_clips": 9}, {"seconds": 2.5}):
        seen.add(digest(dataclasses.replace(TINY, **change)))
    monkeypatch.setattr(builder, "version", lambda name: "9.9" if name == "soxr" else "1.0")
    seen.add(digest(TINY))
    genre, style = next(iter(builder.STYLES.items()))
    monkeypatch.setitem(builder.STYLES, genre, dataclasses.replace(style, tempo=(61, 62)))
    seen.add(digest(TINY))
    assert len(seen) == 7
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in seen)


@pytest.mark.parametrize("name, line, another", [
    ("build.py", "_X = 1", False), ("__init__.py", "_X = 1", False), ("plan.py", "# a comment", False),
    ("plan.py", "_X = 1", True), ("score.py", "_X = 1", True), ("new.json", "{}", True),
    ("../features/rhythm.py", "_X = 1", True)])
def test_digest_covers_the_code_that_decides_the_contents(tmp_path, monkeypatch, name, line, another):
    package = shutil.copytree(ROOT / "labkit", tmp_path / "labkit", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(builder, "__file__", str(package / "corpus" / "build.py"))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    before = digest(TINY)
    with (package / "corpus" / name).open("a") as file:
        file.write(f"\n{line}\n")
    assert digest(TINY) == digest(TINY)
    assert (digest(TINY) != before) == another


def test_unwritable_cache_names_folder_and_variable(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match=r"file.*LAB_CACHE"):
        build(TINY, workers=1, progress=False)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"workers": 0}, {"profile": dataclasses.replace(TINY, seconds=0.4)}])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=r"found|too short"):
        build(**{"profile": TINY} | wrong)


def test_unknown_clip_and_folder(undisturbed, tmp_path):
    with pytest.raises(CorpusError, match=r"no clip 7 in .*ids run from") as caught:
        corpus.sound(undisturbed, 7)
    assert not str(caught.value).startswith('"')
    with pytest.raises(CorpusError, match=r"labkit\.corpus\.build"):
        corpus.sound(tmp_path, 7)


def test_corpora_of_older_versions_are_removed_and_the_others_stay(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    used = location(PROFILES["ci"])
    for folder in (used, tmp_path / "corpus" / "0123456789ab"):
        folder.mkdir(parents=True)
    (tmp_path / "corpus" / "0123456789ab.lock").touch()
    assert remove_old() == ["0123456789ab"]
    assert list((tmp_path / "corpus").iterdir()) == [used]
    assert not is_made(PROFILES["ci"])  # a folder without its marker is not whole


# --- the command line -----------------------------------------------------------------------------------------------

def test_the_commands(quick, monkeypatch, capsys):
    folder, made = quick
    monkeypatch.setitem(PROFILES, "ci", QUICK)
    assert cli.main(["data", "info"]) == 0
    size = f"{size_on_disk(folder) / 1e6:.0f} MB"
    assert capsys.readouterr().out.endswith(f"composed corpus: {folder}\ncomplete, {size}\n")
    flip(folder / read_clips(folder)[0].files()[0])
    assert cli.main(["data", "compose", "--workers", "1"]) == 0 and not made
    assert cli.main(["data", "compose", "--workers", "1", "--verify"]) == 0 and len(made) == 1
    assert capsys.readouterr().out == f"{folder}\n{folder}\n"
    (folder / "meta.json").unlink()
    assert cli.main(["data", "info"]) == 0 and "begun or damaged" in capsys.readouterr().out
    shutil.rmtree(folder)
    assert cli.main(["data", "info"]) == 0 and "not made yet" in capsys.readouterr().out
    assert size_on_disk(folder) == 0


# --- with the music itself ------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_real_clips_do_not_depend_on_workers_or_threads(tmp_path, monkeypatch):
    """Products of matrices on several threads have other last bits; the corpus must not."""
    monkeypatch.setattr(planner, "GENRES", ("Folk", "Rock"))
    folders = []
    for workers, threads in ((1, 2), (2, 1)):
        monkeypatch.setenv("LAB_CACHE", str(tmp_path / str(workers)))
        with threadpool_limits(threads):
            folders.append(build(TINY, workers=workers, progress=False))
    one, two = folders
    assert one != two and contents_of(one) == contents_of(two)
    clips = read_clips(one)
    for clip in clips:
        values = np.load(one / clip.files()[0], allow_pickle=False)
        assert values.dtype == np.float64 and values.shape == (140, 1 + round(TINY.seconds * 22050) // 512)
        assert values[:128].max() == 0 and values[:128].min() >= -80
        assert values[128:].min() >= 0 and values[128:].max() <= 1
        assert np.load(one / clip.files()[1]).shape[0] == 140
    np.testing.assert_allclose(extract(corpus.sound(one, clips[0].id)).fused, np.load(one / clips[0].files()[0]),
                               atol=1e-5)
    np.testing.assert_array_equal(corpus.sound(one, f"{clips[0].id}.fused.full.npy.gz"),
                                  corpus.sound(one, clips[0].id))
    assert corpus.piece(one, clips[0].id) == clips[0].piece()
