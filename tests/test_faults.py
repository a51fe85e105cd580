"""What is wrong on purpose goes wrong as its docstring says, beside the right way; nothing that is right uses it."""

import ast
import inspect
import re

import numpy as np
import pytest
import torch
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset, Subset

from labkit import faults
from labkit.datasets import (
    PaddingTransform,
    SpectrogramDataset,
    Standardise,
    collate_padded,
    read_spectrogram,
    torch_train_val_split,
)
from labkit.environment import ROOT
from labkit.evaluation import accuracy, check_apart, clips_of, predict, report, spearman
from labkit.models import (
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    ModelError,
    MultitaskRegressor,
    Regressor,
    load_checkpoint,
    save_checkpoint,
)
from labkit.training import EarlyStopper, run_epoch, train

PAGE = (ROOT / "book" / "common_mistakes.md").read_text(encoding="utf-8")
NAMES = {name: one for name, one in vars(faults).items()
         if inspect.getmodule(one) is faults and not name.startswith("_")}
TRAIN, VAL = TinyClips(48), TinyClips(24, first=100)


def lstm(kind=LSTMBackbone, data=TRAIN, seed=0, size=8):
    torch.manual_seed(seed)
    return kind(FEATURES, size, dropout=0, standardise=Standardise.fit(data))


def trained(model, loader, epochs, rate=0.05):
    optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], rate)
    for _ in range(epochs):
        run_epoch(model, loader, optimizer)
    return model


class Clips(Dataset):
    """Clips and labels that are given."""

    def __init__(self, clips, labels):
        self.clips, self.labels = clips, labels

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        return self.clips[index], self.labels[index], len(self.clips[index])

    def loader(self, batch_size=64):
        return torch.utils.data.DataLoader(self, batch_size, collate_fn=collate_padded)


def write_folder(path, **parts):
    """A genre folder; of each part, a list of (genre, clip (L, 128))."""
    first = 1
    for part, clips in parts.items():
        (path / part).mkdir(parents=True)
        lines = ["Id\tGenre"]
        for number, (genre, clip) in enumerate(clips, first):
            np.save(path / part / f"{number}.fused.full.npy", np.pad(clip.T, ((0, 12), (0, 0))))
            lines.append(f"{number}.fused.full.npy.gz\t{genre}")
        (path / f"{part}_labels.txt").write_text("\n".join(lines) + "\n")
        first += 1000
    return path


def noise(frames, seed=0):
    return np.random.default_rng(seed).uniform(-60, -20, (frames, 128))


# --- the thirteen ----------------------------------------------------------------------------------------------------

def test_01_broadcast_losses_collapse_the_predictions():
    deviation, score = {}, {}
    for kind in (faults.BroadcastRegressor, Regressor):
        model = kind(lstm(seed=1))
        if kind is faults.BroadcastRegressor:
            with pytest.warns(UserWarning, match=r"target size .* that is different to the input size"):
                trained(model, TRAIN.loader(48), 60)
                loss = run_epoch(model, TRAIN.loader(48))
        else:
            trained(model, TRAIN.loader(48), 60)
        outputs, labels = predict(model, VAL.loader())
        deviation[kind], score[kind] = outputs.std() / labels.std(), spearman(outputs, labels).mean
    assert deviation[faults.BroadcastRegressor] < 0.1 < 0.5 < deviation[Regressor]
    assert abs(score[faults.BroadcastRegressor]) < 0.5 < 0.8 < score[Regressor]
    variance = torch.stack(TRAIN.levels)[:, 0].var(correction=0).item()
    assert loss == pytest.approx(variance, rel=0.02)


def test_02_spearman_over_batches_hangs_on_the_batches():
    labels = np.arange(12) / 12
    answers = np.roll(labels, 6)  # in order within each half, the halves exchanged
    right = spearman(answers, labels)
    assert right.mean < 0
    assert faults.spearman_over_batches(answers, labels, 6) == ((pytest.approx(1),), pytest.approx(1))
    assert faults.spearman_over_batches(answers, labels, 12) == right
    assert np.isnan(faults.spearman_over_batches(answers, labels, 11).mean)  # one clip is left
    assert np.isnan(faults.spearman_over_batches(np.repeat(answers[:6], 2), labels, 2).mean)
    three = [np.stack([values] * 3, axis=1) for values in (answers, labels)]
    assert faults.spearman_over_batches(*three, 6).axes == pytest.approx((1, 1, 1))
    assert len(faults.spearman_over_batches(*three, 11).axes) == 3


@torch.no_grad()
def test_03_a_carried_state_brings_the_batch_before_into_the_answer():
    (first, _, one), (second, _, two), (smaller, _, three) = TRAIN.loader(20)
    answers = {}
    for kind in (faults.StatefulLSTMBackbone, LSTMBackbone):
        backbone = lstm(kind).eval()
        answers[kind] = [backbone(first, one), backbone(second, two), backbone(first, one)]
        assert torch.equal(answers[kind][0], lstm()(first, one))  # the right one of the same seed, at first
    assert torch.equal(answers[LSTMBackbone][0], answers[LSTMBackbone][2])
    assert not torch.allclose(answers[faults.StatefulLSTMBackbone][0], answers[faults.StatefulLSTMBackbone][2],
                              atol=1e-2)
    backbone = lstm(faults.StatefulLSTMBackbone)
    backbone(first, one)
    with pytest.raises(RuntimeError, match=r"Expected hidden\[0\] size \(1, 8, 8\), got \[1, 20, 8\]"):
        backbone(smaller, three)


def test_03_a_carried_state_can_be_trained_on():
    model = trained(Regressor(lstm(faults.StatefulLSTMBackbone)), TRAIN.loader(16), 2)
    first, second = (predict(model, TinyClips(16).loader(16))[0] for _ in range(2))
    assert not np.allclose(first, second, atol=1e-4)


def test_04_zeros_in_place_of_the_padding_value(course):
    clip = read_spectrogram(next((course / "fma_genre_spectrograms" / "train").iterdir()))
    wrong, right = (kind(50, -80)(clip) for kind in (faults.ZeroPadding, PaddingTransform))
    assert np.array_equal(wrong[:len(clip)], right[:len(clip)])
    assert wrong[len(clip):].min() == 0 >= clip.max()  # as bright as can be
    assert np.all(right[len(clip):] == -80)


def test_04_index_0_gives_all_three_axes(course):
    folder, labels = course / "multitask_dataset", []
    for kind in (faults.FalsyIndexDataset, SpectrogramDataset):
        labels.append([kind(folder, regression_label_index=index)[0][1] for index in range(3)])
    wrong, right = labels
    assert wrong[0].tolist() == [label.item() for label in right]
    assert (wrong[1], wrong[2]) == (right[1], right[2])
    assert right[0].shape == ()


def test_05_parts_padded_apart_stop_a_flattened_network(tmp_path):
    folder = write_folder(tmp_path / "genre", train=[("Rock", noise(20)), ("Jazz", noise(24))],
                          test=[("Rock", noise(26)), ("Jazz", noise(19))])
    wrong = [data[0][0][None] for data in faults.parts_padded_apart(folder, class_mapping=None)]
    right = [SpectrogramDataset(folder, class_mapping=None, train=part, max_length=24)[0][0][None]
             for part in (True, False)]
    assert [x.shape[1] for x in wrong] == [24, 26]
    plain = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12 * 64, 2))
    flat = CNNBackbone(128, (4, 4), (2, 2), readout="flatten", input_length=24)
    for x in right:
        plain(x), flat(x)
    plain(wrong[0]), flat(wrong[0])
    with pytest.raises(RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(1x832 and 768x2\)"):
        plain(wrong[1])
    with pytest.raises(ModelError, match="Give train and test the same max_length"):
        flat(wrong[1])


def test_06_parts_encoded_apart_put_the_truth_beside_the_diagonal(tmp_path):
    train_genres = ["Blues", "Folk", "Jazz", "Rock"]
    folder = write_folder(tmp_path / "genre", train=[(genre, noise(12)) for genre in train_genres],
                          test=[(genre, noise(12)) for genre in train_genres[1:] * 2])
    known, test = faults.parts_encoded_apart(folder)
    right = SpectrogramDataset(folder, train=False)
    perfect = known.label_transformer.transform(test.labels)  # the answers of a model that knows every genre
    assert accuracy(perfect, right.targets) == 1
    assert accuracy(perfect, test.targets) == 0
    confusion = report(perfect, test.targets, train_genres).confusion
    assert np.trace(confusion, offset=1) == len(test) == confusion.sum()


def test_07_the_last_epoch_is_kept_although_an_earlier_one_was_better(tmp_path):
    unlike = TinyClips(24, first=100)
    unlike.levels = [1 - levels for levels in unlike.levels]  # the better a model fits its clips, the worse here
    for kind in (faults.LastEpochStopper, EarlyStopper):
        model, stopper = Regressor(lstm()), kind(20, save_path=tmp_path / "best.pt")
        history = train(model, TRAIN.loader(), unlike.loader(), torch.optim.Adam(model.parameters(), 0.02), 8,
                        early_stopper=stopper)
        assert min(history.val) < 0.9 * history.val[-1]
        kept = load_checkpoint(Regressor(lstm()), tmp_path / "best.pt")
        loss = history.val[-1] if kind is faults.LastEpochStopper else min(history.val)
        assert kept["loss"] == pytest.approx(loss) == pytest.approx(run_epoch(model, unlike.loader()))
        assert kept["epoch"] == 1 + history.val.index(loss)
        assert (kept["epoch"] == 8) == (kind is faults.LastEpochStopper)


def one_of_twelve(count, seed):
    """Clips of twelve levels, the label is the first of them: a network must learn where to look."""
    torch.manual_seed(seed)
    levels = 2 * torch.rand(count, FEATURES) - 1
    return Clips(levels[:, None] + 0.1 * torch.randn(count, 5, FEATURES), levels[:, 0])


def test_08_a_fresh_network_scores_as_an_untrained_one(tmp_path):
    data, unseen = one_of_twelve(128, 0), one_of_twelve(64, 1)
    genre = Classifier(lstm(data=data, size=2), 2)
    trained(genre, Clips(data.clips, (data.labels > 0).long()).loader(), 30)
    save_checkpoint(genre, tmp_path / "genre.pt")

    def score(kind, file):
        backbone = lstm(data=data, size=2, seed=1)
        model = kind(backbone, load_from_checkpoint=file)
        model.backbone.requires_grad_(False)
        return spearman(*predict(trained(model, data.loader(), 30), unseen.loader())).mean

    wrong, untrained = score(faults.FreshNetworkRegressor, tmp_path / "genre.pt"), score(Regressor, None)
    assert wrong == untrained < 0.5 < 0.7 < score(Regressor, tmp_path / "genre.pt")
    with pytest.raises(ModelError, match="found none"):
        faults.FreshNetworkRegressor(lstm(), tmp_path / "missing.pt")


def test_09_clips_that_are_trained_on_are_learned_by_heart():
    torch.manual_seed(0)
    parts = [Clips(torch.randn(16, 4, FEATURES), torch.rand(16)) for _ in range(4)]  # labels are noise
    train_part, val, other = parts[0], parts[1], Clips(torch.cat([part.clips for part in parts[2:]]),
                                                       torch.cat([part.labels for part in parts[2:]]))
    model = Regressor(lstm(data=val, size=32))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    history = faults.train_on_validation_clips(model, train_part.loader(), val.loader(), optimizer, 80)
    assert len(history.train) == len(history.val) == 80
    assert history.val[-1] < 0.1 * history.val[0]
    assert spearman(*predict(model, val.loader())).mean > 0.95
    assert abs(spearman(*predict(model, other.loader())).mean) < 0.5
    right = Regressor(lstm(data=train_part, size=32))
    train(right, train_part.loader(), val.loader(), torch.optim.Adam(right.parameters(), 0.02), 80)
    assert abs(spearman(*predict(right, val.loader())).mean) < 0.8


def test_10_most_clips_of_a_new_split_were_trained_on_before():
    data = TinyClips(200)
    calls = [faults.split_without_seed(data, 8, 8, seed=42) for _ in range(2)]
    (trained_on, _), (_, scored) = calls
    both = set(clips_of(trained_on.dataset)) & set(clips_of(scored.dataset))
    assert len(both) > len(scored.dataset) / 2
    with pytest.raises(ModelError, match="among the training clips"):
        check_apart(trained_on, scored)
    (trained_on, _), (_, scored) = (torch_train_val_split(data, 8, 8, seed=42) for _ in range(2))
    check_apart(trained_on, scored)


def test_10_groups_stay_on_one_side_all_the_same():
    groups = [number // 4 for number in range(40)]
    loaders = faults.split_without_seed(TinyClips(40), 8, 8, groups=groups)
    sides = [{groups[index] for index in loader.dataset.indices} for loader in loaders]
    assert all(isinstance(loader.dataset, Subset) for loader in loaders)
    assert not sides[0] & sides[1]


def loud_and_soft(count=32, frames=64):
    """Clips like mel spectrograms in dB, and how loud each is, in [0, 1]."""
    torch.manual_seed(0)
    level = torch.rand(count, 1, 1)
    x = -60 + 30 * level - torch.linspace(0, 20, 128) + 6 * torch.randn(count, frames, 128)
    return Clips(x.clamp(-80, 0), level[:, 0, 0])


@torch.no_grad()
def test_11_the_first_loss_on_raw_decibels_is_in_the_tens_or_hundreds():
    data, losses = loud_and_soft(), {faults.RawDecibels: [], Standardise: []}
    for kind, found in losses.items():
        standardise = kind.fit(data)
        for seed in range(7):
            torch.manual_seed(seed)
            network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(),
                                    nn.Linear(8 * 16 * 32, 1))
            found.append(functional.mse_loss(network(standardise(data.clips)[:, None])[:, 0], data.labels).item())
    assert 10 < np.median(losses[faults.RawDecibels]) < 1000
    assert max(losses[Standardise]) < 10 and np.median(losses[Standardise]) < 2

    def first_loss(kind, training):
        torch.manual_seed(0)
        model = Regressor(CNNBackbone(128, (8, 16), (4, 4), "flatten", 64, standardise=kind.fit(data)))
        return model.train(training)(data.clips, data.labels, torch.full((32,), 64))[0].item()

    assert first_loss(faults.RawDecibels, False) > 100 > 10 > first_loss(Standardise, False)
    assert first_loss(faults.RawDecibels, True) < 10  # hidden by batch normalisation


def test_11_raw_decibels_shut_the_gates_of_an_lstm():
    data, gradients, full = loud_and_soft(), {}, {}
    for kind in (faults.RawDecibels, Standardise):
        torch.manual_seed(0)
        model = Classifier(LSTMBackbone(128, 32, dropout=0, standardise=kind.fit(data)), 2)
        full[kind] = (model.backbone(data.clips).detach().abs() > 0.7).float().mean().item()
        model(data.clips, (data.labels > 0.5).long(), torch.full((32,), 64))[0].backward()
        gradients[kind] = model.backbone.lstm.weight_hh_l0.grad.abs().mean().item()
    assert 5 * gradients[faults.RawDecibels] < gradients[Standardise]  # what one frame passes on to the next
    assert full[faults.RawDecibels] > 0.1 > 0.05 > full[Standardise]


def test_12_a_softmax_over_one_output_is_constantly_1():
    model = faults.SoftmaxRegressor(lstm())
    losses = [run_epoch(trained(model, TRAIN.loader(), epochs), TRAIN.loader()) for epochs in (0, 3)]
    assert losses[0] == losses[1]
    outputs, labels = predict(model, VAL.loader())
    assert np.all(outputs == 1)
    assert np.isnan(spearman(outputs, labels).mean)


def test_12_a_sigmoid_keeps_the_order_until_it_is_full():
    x, y, lengths = next(iter(TRAIN.loader(48)))
    right, wrong = Regressor(lstm()), faults.SigmoidRegressor(lstm())
    wrong.load_state_dict(right.state_dict())
    output = right(x, None, lengths)[1].detach()
    assert spearman(wrong(x, None, lengths)[1].detach(), output).mean == pytest.approx(1)
    gradients = []
    for model in (right, wrong):
        model.output_layer.bias.data += 20
        assert model(x, None, lengths)[0] is None
        model(x, y, lengths)[0].backward()
        gradients.append(model.output_layer.bias.grad.abs().item())
    assert torch.all(wrong(x, None, lengths)[1] == 1)
    assert gradients[1] < 1e-6 < 1 < gradients[0]


def test_13_what_comes_after_the_first_frames_is_never_heard(tmp_path):
    clips = [noise(200, seed) for seed in range(48)]
    for clip in clips[::2]:
        clip[150:, :64] += 20  # of every second clip, and only at its end
    genres = ["Rock", "Jazz"] * 24
    folder = write_folder(tmp_path / "genre", train=list(zip(genres[:32], clips[:32], strict=True)),
                          test=list(zip(genres[32:], clips[32:], strict=True)))
    found = {}
    for kind in (faults.FirstFramesDataset, SpectrogramDataset):
        known, test = (kind(folder, train=part) for part in (True, False))
        torch.manual_seed(0)
        model = Classifier(CNNBackbone(128, (4,), (8,), standardise=Standardise.fit(known)), 2)
        trained(model, torch.utils.data.DataLoader(known, 8, collate_fn=known.collate), 6)
        outputs, labels = predict(model, torch.utils.data.DataLoader(test, 16, collate_fn=test.collate))
        found[kind] = known[0][0].shape[0], accuracy(outputs.argmax(1), labels)
    assert found[SpectrogramDataset] == (200, 1.0)
    assert found[faults.FirstFramesDataset][0] == 150
    assert found[faults.FirstFramesDataset][1] < 0.8
    assert "max_length=150 cuts 32 of them and keeps 75.0 %" in faults.FirstFramesDataset(folder).describe()


# --- their place -----------------------------------------------------------------------------------------------------

def test_the_right_names_can_be_exchanged_for_the_wrong_ones():
    batch = next(iter(TinyClips(8).loader()))
    for kind in (faults.FreshNetworkRegressor, faults.SoftmaxRegressor, faults.SigmoidRegressor):
        loss, output = kind(lstm(), load_from_checkpoint=None)(*batch)
        assert loss.shape == () and output.shape == (8,)
    assert issubclass(faults.BroadcastRegressor, Regressor) and not issubclass(MultitaskRegressor, Regressor)
    for readout in ("last", "mean", "attention"):
        backbone = faults.StatefulLSTMBackbone(FEATURES, 4, num_layers=2, readout=readout).eval()
        assert not torch.equal(backbone(batch[0], batch[2]), backbone(batch[0], batch[2]))
    with pytest.raises(ValueError, match="Expected bidirectional=False, found True"):
        faults.StatefulLSTMBackbone(FEATURES, 4, bidirectional=True)
    assert list(faults.StatefulLSTMBackbone(FEATURES, 4).state_dict()) == list(LSTMBackbone(FEATURES, 4).state_dict())


def entries():
    """The text of each of the thirteen entries of the page."""
    return dict(enumerate(re.split(r"^\(mistake-\d+\)=$", PAGE, flags=re.MULTILINE)[1:], 1))


def test_each_mistake_of_the_page_can_be_made_and_each_name_says_which_it_is():
    told = {}
    for name, one in NAMES.items():
        words = " ".join(inspect.getdoc(one).split())
        match = re.search(r"Wrong: .+ Symptom: .+ Cure: Common mistakes, (\d+)\.", words)
        assert match, f"{name}: expected what is wrong, the symptom, and the entry of the page"
        told.setdefault(int(match[1]), set()).add(name)
    assert told == {number: set(re.findall(r"`labkit\.faults\.(\w+)`", text)) for number, text in entries().items()}


def test_what_the_page_puts_in_the_place_of_what_takes_the_same_arguments():
    """The arguments that the right one must be given, and those by which the page shows the cure."""
    pairs = re.findall(r"`labkit\.faults\.(\w+)`,? in\s+the\s+place\s+of\s+`(\w+)`", PAGE)
    assert len(pairs) > 10
    for wrong, right in pairs:
        right, wrong = globals()[right], getattr(faults, wrong)
        if inspect.isclass(right):
            assert issubclass(wrong, right)
        else:
            taken = list(inspect.signature(wrong).parameters)
            needed = [name for name, one in inspect.signature(right).parameters.items() if one.default is one.empty]
            assert taken[:len(needed)] == needed


def test_nothing_else_of_labkit_imports_the_faults():
    using = []
    for file in (ROOT / "labkit").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            using += [file.name for name in names if name == "labkit.faults"]
    assert not using, f"{', '.join(using)}: expected no import of labkit.faults, which is wrong on purpose"
    assert "NOTHING HERE IS TO BE USED FOR RESULTS" in faults.__doc__
