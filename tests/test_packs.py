"""Packs: they hold what the files hold, are made once, never half, and made again when the files change."""

import gzip
import json
import multiprocessing
import os
import pickle
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import fused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Subset

from labkit import cli
from labkit.datasets import SpectrogramDataset, batches, packs, read_spectrogram
from labkit.profiles import DataError

HALF_STEP = {"mel": 1 / 32, "chroma": 1 / 4096}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of this test alone."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "packs"


@pytest.fixture
def folder(tmp_path, cache):
    """A dataset of 8 clips of 3 to 10 frames, of three genres that differ in their level."""
    place = tmp_path / "data" / "genre"
    (place / "train").mkdir(parents=True)
    for clip in range(8):
        np.save(place / "train" / f"{clip}.fused.full.npy", fused(3 + clip, clip))
    lines = [f"{clip}.fused.full.npy.gz\t{('Blues', 'Jazz', 'Rock')[clip % 3]}" for clip in range(8)]
    (place / "train_labels.txt").write_text("\n".join(["Id\tGenre", *lines]))
    return place


def file_of(folder, clip):
    return folder / "train" / f"{clip}.fused.full.npy"


def held(cache):
    """The folders in a cache."""
    return sorted(place.name for place in cache.glob("*/"))


def never(*words):
    raise AssertionError("this should not have been called")


# --- what it holds ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("feat_type", ["mel", "chroma", "fused"])
def test_items_are_those_of_the_files(folder, feat_type):
    file = file_of(folder, 2)
    file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    data, plain = (SpectrogramDataset(folder, feat_type=feat_type, packed=packed) for packed in (True, False))
    assert data.ids == plain.ids
    assert data.frames().tolist() == plain.frames().tolist()
    for (x, y, length), (wanted, target, frames) in zip(data, plain, strict=True):
        assert x.dtype == torch.float32
        assert (x.shape, y, length) == (wanted.shape, target, frames)
        off = (x - wanted).abs()
        assert off.max() > 0
        if feat_type != "chroma":
            assert off[:, :128].max() <= HALF_STEP["mel"] <= 0.032
        if feat_type != "mel":
            assert off[:, -12:].max() <= HALF_STEP["chroma"]


def test_mel_and_chroma_lie_in_files_of_their_own(folder, cache):
    pack = packs.open_pack(folder, "train")
    frames = sum(range(3, 11))
    assert (pack.folder / "mel.f16").stat().st_size == 2 * 128 * frames
    assert (pack.folder / "chroma.f16").stat().st_size == 2 * 12 * frames
    index = json.loads((pack.folder / "index.json").read_text())
    assert index["frames"] == list(range(3, 11))
    mel = np.fromfile(pack.folder / "mel.f16", np.float16).reshape(-1, 128)
    np.testing.assert_array_equal(mel[3:7], np.load(file_of(folder, 1))[:128].T.astype(np.float16))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dtype=st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i2", "|u1", "|i1"]), order=st.sampled_from("CF"),
       least=st.floats(-80, 0), seed=st.integers(0, 99))
def test_any_array_of_the_lab_is_held_within_half_a_step(folder, dtype, order, least, seed):
    array = np.random.default_rng(seed).uniform(least, 1, (140, 4))
    array = np.asarray(np.abs(array) if dtype == "|u1" else array).astype(dtype, order=order)
    np.save(file_of(folder, 0), array)
    os.utime(file_of(folder, 0), ns=(seed, hash((dtype, order, least)) % 10 ** 15))
    pack = packs.open_pack(folder, "train")
    assert pack.frames(["0"], "fused").tolist() == [4]
    both = np.hstack(pack.blocks("0", "fused")).astype(np.float64)
    assert np.abs(both - array.T.astype(np.float64)).max() <= HALF_STEP["mel"]


def test_what_half_precision_cannot_hold_is_read_from_the_file(folder):
    array = fused(6, 0)
    array[5, 3] = 200.06  # float16 would make 200 of it
    np.save(file_of(folder, 3), array)
    data = SpectrogramDataset(folder)
    assert data[3][0][3, 5] == np.float32(200.06)
    assert data.frames().tolist() == list(range(3, 11))
    x, _, lengths = data.collate(data.__getitems__([3, 7]))
    assert x.shape == (2, 10, 128)
    assert lengths.tolist() == [6, 10]
    assert (x[0, :6] == data[3][0]).all()
    assert (x[0, 6:] == -80).all()


def test_a_faulty_file_is_an_error_when_it_is_asked_for(folder):
    np.save(file_of(folder, 1), np.full((140, 5), np.nan))
    np.save(file_of(folder, 4), np.zeros((5, 140)))
    file_of(folder, 6).write_bytes(b"no array")
    data = SpectrogramDataset(folder)
    for clip in range(8):
        if clip in (1, 4, 6):
            with pytest.raises(DataError) as wanted:
                read_spectrogram(file_of(folder, clip))
            with pytest.raises(DataError) as error:
                data[clip]
            assert str(error.value) == str(wanted.value)
            assert file_of(folder, clip).name in str(error.value)
        else:
            assert data[clip][2] == 3 + clip
    with pytest.raises(DataError, match=r"4\.fused\.full\.npy: expected an array of shape .*transpose"):
        np.save(file_of(folder, 6), fused(9, 6))
        np.save(file_of(folder, 1), fused(4, 1))
        SpectrogramDataset(folder).frames()


def test_mel_only_files_say_so_when_chroma_is_asked_for(folder):
    np.save(file_of(folder, 0), fused(3, 0, rows=128))
    assert SpectrogramDataset(folder)[0][0].shape == (3, 128)
    for feat_type in ("chroma", "fused"):
        data = SpectrogramDataset(folder, feat_type=feat_type)
        with pytest.raises(DataError, match=r"0\.fused\.full\.npy: expected 140 rows .* mel only"):
            data[0]
        assert (data[5][0] - torch.from_numpy(read_spectrogram(file_of(folder, 5), feat_type))).abs().max() < 0.032
    for clip in range(8):
        np.save(file_of(folder, clip), fused(3 + clip, clip, rows=128))
    assert SpectrogramDataset(folder)[7][0].shape == (10, 128)
    with pytest.raises(DataError, match="mel only"):
        SpectrogramDataset(folder, feat_type="chroma")[7]


@pytest.mark.parametrize("feat_type", ["mel", "fused"])
def test_a_linear_model_learns_the_same_from_either(folder, feat_type):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    step = np.random.default_rng(0).normal(0, 2, (40, 1))  # dB from a genre to the next: no easy task, no hard one
    for clip in range(60):
        array = fused(40, clip)
        array[:40] = np.clip(array[:40] + (clip % 3) * step, -80, 0)
        np.save(file_of(folder, clip), array)
    lines = [f"{clip}\t{('Blues', 'Jazz', 'Rock')[clip % 3]}" for clip in range(60)]
    (folder / "train_labels.txt").write_text("\n".join(["Id\tGenre", *lines]))
    found = []
    for packed in (True, False):
        data = SpectrogramDataset(folder, feat_type=feat_type, packed=packed)
        values = np.array([np.concatenate([x.numpy().mean(0), x.numpy().std(0)]) for x, _, _ in data])
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
        model.fit(values[:40], data.targets[:40])
        found.append(model.predict_proba(values[40:]))
    assert 0.4 < np.mean(found[1].argmax(1) == data.targets[40:].numpy()) < 1
    np.testing.assert_array_equal(found[0].argmax(1), found[1].argmax(1))
    np.testing.assert_allclose(found[0], found[1], atol=0.005)


# --- made once, and again when it must be ----------------------------------------------------------------------------

def test_a_second_use_reads_no_file(folder, monkeypatch):
    first = SpectrogramDataset(folder)[3][0]
    monkeypatch.setattr(packs, "read_array", never)
    monkeypatch.setattr("labkit.datasets.batches.read_spectrogram", never)
    data = SpectrogramDataset(folder, max_per_class=1)
    assert len(data) == 3
    assert (SpectrogramDataset(folder)[3][0] == first).all()


def test_a_changed_source_is_packed_again_and_the_old_pack_goes(folder, cache):
    packs.open_pack(folder, "train")
    shutil.copytree(folder / "train", folder / "test")
    packs.open_pack(folder, "test")
    first = held(cache)
    assert len(first) == 2
    np.save(file_of(folder, 0), fused(3, 99))
    os.utime(file_of(folder, 0), ns=(1, 1))  # even where the clock is coarse
    off = SpectrogramDataset(folder)[0][0] - torch.from_numpy(read_spectrogram(file_of(folder, 0)))
    assert off.abs().max() <= HALF_STEP["mel"]
    second = held(cache)
    assert len(second) == 2  # that of the test split is still there
    assert len(set(first) & set(second)) == 1
    np.save(file_of(folder, 8), fused(5, 8))
    assert packs.open_pack(folder, "train").frames(["8"]).tolist() == [5]
    file_of(folder, 8).unlink()
    assert held(cache) != second
    packs.open_pack(folder, "train")
    assert held(cache) == second


def test_a_change_that_keeps_size_and_time_is_seen(folder):
    SpectrogramDataset(folder)
    file = file_of(folder, 0)
    before, frames = file.stat(), read_spectrogram(file_of(folder, 0)).shape[0]
    np.save(file, fused(frames, 99))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as tar and rsync do
    assert file.stat().st_size == before.st_size
    off = SpectrogramDataset(folder)[0][0] - torch.from_numpy(read_spectrogram(file))
    assert off.abs().max() <= HALF_STEP["mel"]


def test_files_that_change_while_they_are_packed_leave_no_pack(folder, cache, monkeypatch):
    read = packs.read_array

    def read_and_touch(file):
        array = read(file)
        if file == file_of(folder, 3):
            np.save(file, fused(4, 99))
        return array

    monkeypatch.setattr(packs, "read_array", read_and_touch)
    with pytest.raises(DataError, match="while they are packed"):
        packs.open_pack(folder, "train")
    assert held(cache) == []


def test_a_dataset_in_use_outlives_its_pack(folder, cache):
    data = SpectrogramDataset(folder)
    shutil.rmtree(cache)
    assert len(data[7][0]) == 10


def test_a_link_to_nowhere_is_a_faulty_clip(folder):
    file_of(folder, 3).unlink()
    file_of(folder, 3).symlink_to(folder / "nowhere.npy")
    data = SpectrogramDataset(folder)
    assert len(data[2][0]) == 5
    with pytest.raises(DataError, match=r"3\.fused\.full\.npy, found none"):
        data[3]


@pytest.mark.parametrize("harm", [
    lambda place: os.truncate(place / "mel.f16", 2 * 128 * 5),
    lambda place: (place / "mel.f16").open("ab").write(b"more"),
    lambda place: (place / "chroma.f16").unlink(),
    lambda place: (place / "index.json").unlink(),
    lambda place: (place / "index.json").write_text("{}"),
    lambda place: (place / "index.json").write_text("[1"),
    lambda place: (place / "index.json").write_text('{"source": 1, "ids": 2, "frames": "x", "chroma": []}'),
])
def test_a_damaged_pack_is_made_again(folder, harm):
    place = packs.open_pack(folder, "train").folder
    harm(place)
    pack = packs.open_pack(folder, "train")
    assert pack.folder == place
    np.testing.assert_array_equal(pack.blocks("7", "mel")[0], np.load(file_of(folder, 7))[:128].T.astype(np.float16))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_pack_leaves_nothing(folder, cache, monkeypatch, error):
    read = packs.read_array

    def interrupted(file):
        if file == file_of(folder, 5):
            raise error
        return read(file)

    monkeypatch.setattr(packs, "read_array", interrupted)
    with pytest.raises(error):
        packs.open_pack(folder, "train")
    assert held(cache) == []
    monkeypatch.undo()
    monkeypatch.setenv("LAB_CACHE", str(cache.parent))
    assert packs.open_pack(folder, "train").frames(["5"]).tolist() == [8]


def test_what_a_killed_process_left_is_no_pack(folder, cache):
    place = packs.open_pack(folder, "train").folder
    place.rename(place.with_suffix(".partial"))  # killed just before the last step
    (place.with_suffix(".partial") / "mel.f16").write_bytes(b"half")
    packs.open_pack(folder, "train")
    assert held(cache) == [place.name]


def test_two_at_a_time_pack_once(folder, monkeypatch, capsys):
    make, whole, looked, made = packs._make, packs._whole, threading.Semaphore(0), []

    def slow_make(*words):
        made.append(words)
        for _ in range(2):  # until the other one has looked, too
            assert looked.acquire(timeout=20)
        make(*words)

    def look(place):
        found = whole(place)
        looked.release()
        return found

    monkeypatch.setattr(packs, "_make", slow_make)
    monkeypatch.setattr(packs, "_whole", look)
    monkeypatch.setattr(packs, "PATIENCE", 0)
    found = []
    threads = [threading.Thread(target=lambda: found.append(packs.open_pack(folder, "train"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    looked.release()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1
    assert [pack.frames(["7"]).tolist() for pack in found] == [[10], [10]]


def test_little_is_read_ahead(monkeypatch):
    monkeypatch.setattr(packs, "cores", lambda: 2)
    started, taken, ahead = [], 0, 0
    for value in packs._in_order(lambda item: started.append(item) or item, range(50)):
        assert value == taken
        taken += 1
        ahead = max(ahead, len(started) - taken)
    assert taken == 50
    assert ahead <= 5


# --- a cache that cannot be written to -------------------------------------------------------------------------------

def full(*words):
    return SimpleNamespace(free=1)


def breaks_off(function, items):
    yield function(next(iter(items)))
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("name", "value"), [("shutil.disk_usage", full), ("_in_order", breaks_off)])
def test_a_full_disk_is_a_warning_and_the_files_are_read(folder, cache, monkeypatch, name, value):
    target = f"labkit.datasets.packs.{name}"
    with monkeypatch.context() as patch:
        patch.setattr(target, value)
        with pytest.warns(UserWarning, match=r"train could not be packed .*No space left.*LAB_CACHE") as warned:
            data = SpectrogramDataset(folder)
    assert len(warned) == 1
    assert held(cache) == []
    np.testing.assert_array_equal(data[4][0], read_spectrogram(file_of(folder, 4)))
    assert data.frames().tolist() == list(range(3, 11))


def test_a_cache_that_is_no_folder_is_a_warning(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="set the variable LAB_CACHE"):
        assert len(SpectrogramDataset(folder)[0][0]) == 3


def test_packed_false_writes_nothing(folder, cache):
    assert len(SpectrogramDataset(folder, packed=False)[0][0]) == 3
    assert not cache.exists()


def test_nothing_is_written_beside_the_data(folder):
    before = sorted(folder.rglob("*"))
    SpectrogramDataset(folder)[0]
    assert sorted(folder.rglob("*")) == before


# --- data clean ------------------------------------------------------------------------------------------------------

def test_clean_removes_packs_of_what_is_gone_or_changed(folder, tmp_path, cache, capsys):
    assert packs.remove_old() == []
    gone, changed = (shutil.copytree(folder, tmp_path / name) for name in ("gone", "changed"))
    kept, *old = (packs.open_pack(place, "train").folder.name for place in (folder, gone, changed))
    shutil.rmtree(gone)
    file_of(changed, 3).unlink()
    (cache / "0123.partial").mkdir()
    assert cli.main(["data", "clean"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*old, "0123.partial"))
    assert held(cache) == [kept]
    assert packs.remove_old() == []


# --- batches and other processes -------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [{}, {"feat_type": "fused"}, {"feat_type": "chroma", "padding_value": 7},
                                     {"max_length": 5}, {"max_length": 20, "packed": False}, {"packed": False}])
def test_a_batch_taken_at_once_is_that_of_its_items(folder, options):
    data = SpectrogramDataset(folder, **options)
    indices = [6, 0, 3]
    x, y, lengths = data.collate(data.__getitems__(indices))
    wanted = data.collate([data[index] for index in indices])
    for one, other in zip((x, y, lengths), wanted, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    assert x.dtype == torch.float32
    assert lengths.dtype == torch.long
    for item, index in zip(data.__getitems__(indices), indices, strict=True):
        assert torch.equal(item[0], data[index][0])
        assert item[2] == data[index][2]


def test_torch_takes_whole_batches_also_of_a_part(folder, monkeypatch):
    data = SpectrogramDataset(folder)
    asked = []
    gather = SpectrogramDataset.__getitems__
    monkeypatch.setattr(SpectrogramDataset, "__getitems__", lambda self, indices: asked.append(list(indices)) or
                        gather(self, indices))
    x, _, lengths = next(iter(DataLoader(Subset(data, [7, 1, 2]), 2, collate_fn=data.collate)))
    assert asked == [[7, 1]]
    assert x.shape == (2, 10, 128)
    assert lengths.tolist() == [10, 4]


def test_the_memory_of_a_batch_is_used_again_only_when_nobody_holds_it(folder):
    for clip in range(8):
        np.save(file_of(folder, clip), fused(2000, clip))
    data = SpectrogramDataset(folder)
    plain = [torch.from_numpy(read_spectrogram(file_of(folder, clip))) for clip in range(8)]

    def batch(*indices):
        return data.collate(data.__getitems__(list(indices)))[0]

    first = batch(*range(8))
    assert first.numel() >= batches.LARGE
    place = first.data_ptr()
    part, array = first[7, 5:], first[:2].numpy()
    del first
    held = [batch(*range(5)), batch(*range(7, -1, -1))]
    assert place not in [x.data_ptr() for x in held]
    assert (part - plain[7][5:]).abs().max() <= HALF_STEP["mel"]
    assert np.abs(array[1] - plain[1].numpy()).max() <= HALF_STEP["mel"]
    assert (held[1][0] - plain[7]).abs().max() <= HALF_STEP["mel"]
    del part, array
    assert batch(*range(8)).data_ptr() == place
    x = batch(*range(7, -1, -1))
    assert x.data_ptr() == place
    assert (x[1] - plain[6]).abs().max() <= HALF_STEP["mel"]


def test_torchs_own_collate_works_at_a_fixed_length(folder):
    x, y, lengths = next(iter(DataLoader(SpectrogramDataset(folder, max_length=4), 8)))
    assert x.shape == (8, 4, 128)
    assert y.shape == lengths.shape == (8,)
    assert lengths.tolist() == [3, 4, 4, 4, 4, 4, 4, 4]


def test_a_dataset_travels_without_its_frames(folder):
    for clip in range(8):
        np.save(file_of(folder, clip), fused(500, clip))
    data = SpectrogramDataset(folder)
    first = data[0][0]
    sent = pickle.dumps(data)
    assert len(sent) < 50_000 < 8 * 500 * 256
    assert torch.equal(pickle.loads(sent)[0][0], first)


@pytest.mark.parametrize("how", [pytest.param("fork", marks=pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")),
    pytest.param("spawn", marks=pytest.mark.slow)])
def test_workers_give_the_same_batches(folder, how, monkeypatch):
    monkeypatch.setattr(batches, "LARGE", 1000)  # so that memory is used again, in forked workers, too
    data = SpectrogramDataset(folder, feat_type="fused")
    data[0]  # the files are mapped before the workers begin
    here, there = ([batch for batch in DataLoader(data, 3, collate_fn=data.collate, **options)]
                   for options in ({}, {"num_workers": 2, "multiprocessing_context": how}))
    assert len(here) == 3
    for one, other in zip(here, there, strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
