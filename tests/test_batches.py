"""Batches by length, standardisation, loaders."""

import io

import numpy as np
import pytest
import torch
from conftest import fused
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from labkit.datasets import BucketSampler, SpectrogramDataset, Standardise, neighbour_leak, torch_train_val_split


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# --- buckets ---------------------------------------------------------------------------------------------------------

@given(lengths=st.lists(st.integers(1, 2000), max_size=80), batch_size=st.integers(1, 20), shuffle=st.booleans(),
       seed=st.integers(0, 99))
def test_each_clip_is_in_one_batch_of_an_epoch(lengths, batch_size, shuffle, seed):
    sampler = BucketSampler(lengths, batch_size, shuffle, seeded(seed))
    for _ in range(2):
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        sizes = [len(batch) for batch in batches]
        assert not sizes or (max(sizes) <= batch_size and max(sizes) - min(sizes) <= 1)  # no rest that weighs more
    assert list(BucketSampler(lengths, batch_size, shuffle, seeded(seed))) == \
        list(BucketSampler(lengths, batch_size, shuffle, seeded(seed)))


@given(lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=80), batch_size=st.integers(1, 20),
       seed=st.integers(0, 99))
def test_a_batch_holds_neighbours_in_length(lengths, batch_size, seed):
    for batch in BucketSampler(lengths, batch_size, True, seeded(seed)):
        low, high = (end(lengths[index] for index in batch) for end in (min, max))
        strictly_between = sum(low * 1.25 < length < high / 1.25 for length in lengths)
        assert strictly_between <= batch_size


def test_little_is_padded_and_epochs_differ():
    lengths = np.random.default_rng(0).integers(26, 130, 640)  # beat-synchronous clips
    sampler = BucketSampler(lengths, 32, generator=seeded(0))

    def padded(batches):
        return 1 - lengths.sum() / sum(lengths[batch].max() * len(batch) for batch in batches)

    first, second = list(sampler), list(sampler)
    assert padded(first) < 0.15 < 0.3 < padded(torch.randperm(640, generator=seeded(0)).numpy().reshape(20, 32))
    assert {frozenset(batch) for batch in first}.isdisjoint(frozenset(batch) for batch in second)
    means = [lengths[batch].mean() for batch in first]
    assert means != sorted(means)  # not from short to long
    assert list(BucketSampler(lengths, 32, generator=seeded(1))) != first
    ordered = [lengths[batch].mean() for batch in BucketSampler(lengths, 32, shuffle=False)]
    assert ordered == sorted(ordered)


def test_training_goes_on_from_the_state_of_the_generator(course):
    def loader():
        data = SpectrogramDataset(course / "fma_genre_spectrograms_beat")
        return torch_train_val_split(data, 4, 8, bucket=True)[0]

    straight = loader()
    epochs = [[y.tolist() for _, y, _ in straight] for _ in range(3)]
    first = loader()
    assert [y.tolist() for _, y, _ in first] == epochs[0]
    resumed = loader()
    resumed.generator.set_state(first.generator.get_state())
    assert [[y.tolist() for _, y, _ in resumed] for _ in range(2)] == epochs[1:]
    assert epochs[0] != epochs[1]


def test_bucket_faults(course):
    with pytest.raises(ValueError, match="batch_size of at least 1, found 0"):
        BucketSampler([1, 2], 0)
    with pytest.raises(ValueError, match=r"frames\(\) for bucket=True, found TensorDataset"):
        torch_train_val_split(TensorDataset(torch.zeros(4, 2)), 2, 2, bucket=True)


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_loaders_hold_each_clip_once(course, bucket, grouped):
    data = SpectrogramDataset(course / "fma_genre_spectrograms_beat", feat_type="fused")
    train, val = torch_train_val_split(data, 4, 8, 0.3, groups=data.groups if grouped else None, bucket=bucket)
    ids = [[data.ids[index] for index in loader.dataset.indices] for loader in (train, val)]
    assert sorted(ids[0] + ids[1]) == sorted(data.ids)
    assert (sum(neighbour_leak(*ids).values()) == 0) == grouped
    for loader in (train, val):
        lengths = torch.cat([lengths for _, _, lengths in loader])
        assert sorted(lengths.tolist()) == sorted(data.frames()[loader.dataset.indices].tolist())
    for x, y, lengths in train:
        assert x.dtype == torch.float32
        assert x.shape == (len(y), lengths.max(), 140)
        for clip, length in zip(x, lengths, strict=True):
            assert (clip[length:, :128] == -80).all()
            assert (clip[length:, 128:] == 0).all()
            assert not (clip[length - 1, :128] == -80).all()
    labels = torch.cat([y for _, y, _ in val])
    assert torch.equal(labels, data.targets[val.dataset.indices])  # in their order, whatever is bucketed


def test_stratify_keeps_the_shares(course):
    data = SpectrogramDataset(course / "fma_genre_spectrograms")

    def counts(seed, **options):
        _, val = torch_train_val_split(data, 4, 8, 0.25, seed=seed, **options)
        return np.bincount(data.targets[val.dataset.indices], minlength=3).tolist()

    assert all(counts(seed) == [2, 2, 4] for seed in range(5))
    assert any(counts(seed, stratify=False) != [2, 2, 4] for seed in range(5))
    mood = SpectrogramDataset(course / "multitask_dataset", regression_label_index=0)
    assert len(torch_train_val_split(mood, 4, 8, 0.25)[1].dataset) == 5


# --- standardisation -------------------------------------------------------------------------------------------------

def items(*clips):
    return [(torch.as_tensor(clip, dtype=torch.float32), 0, len(clip)) for clip in clips]


def test_standardise_changes_nothing_until_it_is_fitted():
    x = torch.randn(2, 5, 140)
    assert torch.equal(Standardise(140)(x), x)


@pytest.mark.parametrize("packed", [True, False])
def test_each_band_comes_to_mean_0_and_deviation_1(course, packed):
    data = SpectrogramDataset(course / "fma_genre_spectrograms", feat_type="fused", packed=packed)
    step = Standardise.fit(data)
    assert step.mean.dtype == step.deviation.dtype == torch.float32
    frames = np.concatenate([x.numpy() for x, _, _ in data]).astype(np.float64)
    np.testing.assert_allclose(step.mean, frames.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(step.deviation, frames.std(axis=0), rtol=1e-5)
    x, _, lengths = next(iter(DataLoader(data, len(data), collate_fn=data.collate)))
    after = step(x)
    assert after.shape == x.shape
    assert after.dtype == torch.float32
    real = torch.cat([clip[:length] for clip, length in zip(after, lengths, strict=True)])
    np.testing.assert_allclose(real.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(real.std(0, correction=0), 1, atol=1e-4)


def test_half_precision_does_not_move_it(course):
    steps = [Standardise.fit(SpectrogramDataset(course / "fma_genre_spectrograms", packed=packed))
             for packed in (True, False)]
    np.testing.assert_allclose(steps[0].mean, steps[1].mean, atol=0.005)
    np.testing.assert_allclose(steps[0].deviation, steps[1].deviation, rtol=0.001)


def test_only_the_chosen_clips_and_their_real_frames_count(course):
    folder = course / "fma_genre_spectrograms"
    data, padded = SpectrogramDataset(folder), SpectrogramDataset(folder, max_length=40)
    chosen = [3, 1, 8]
    step, of_padded = Standardise.fit(data, chosen), Standardise.fit(padded, np.array(chosen))
    assert torch.equal(step.mean, of_padded.mean)
    assert torch.equal(step.deviation, of_padded.deviation)
    frames = np.concatenate([data[index][0] for index in chosen])
    np.testing.assert_allclose(step.mean, frames.mean(axis=0), rtol=1e-5)
    part = torch.utils.data.Subset(data, chosen)
    assert torch.equal(Standardise.fit(part).mean, step.mean)


@pytest.mark.parametrize("value", [0.0, -80.0, 0.1, 1e6, -12.345678])
def test_a_band_that_never_changes_is_no_infinity(value):
    clips = np.random.default_rng(0).normal(-40, 10, (3, 50, 2))
    clips[:, :, 1] = value
    step = Standardise.fit(items(*clips))
    assert step.deviation[1] == 1
    assert step(torch.as_tensor(clips[0], dtype=torch.float32))[:, 1].abs().max() == 0
    assert torch.isfinite(step(torch.zeros(1, 4, 2))).all()


def test_a_small_deviation_far_from_zero_is_kept():
    rng = np.random.default_rng(0)
    frames = rng.normal(1000, 0.01, (40, 500, 1)).astype(np.float32)
    assert Standardise.fit(items(*frames)).deviation.item() == pytest.approx(frames.astype(float).std(), rel=1e-4)


def test_nothing_to_fit_on_is_refused(course):
    data = SpectrogramDataset(course / "fma_genre_spectrograms")
    for arguments in ((data, []), ([],)):
        with pytest.raises(ValueError, match="at least one clip"):
            Standardise.fit(*arguments)


def test_it_is_saved_with_the_network():
    step = Standardise.fit(items(fused(9, 0).T, fused(5, 1).T))
    file = io.BytesIO()
    torch.save(torch.nn.Sequential(step, torch.nn.Linear(140, 2)).state_dict(), file)
    file.seek(0)
    other = torch.nn.Sequential(Standardise(140), torch.nn.Linear(140, 2))
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other[0].mean, step.mean)
    assert torch.equal(other[0].deviation, step.deviation)
    assert not list(step.parameters())
