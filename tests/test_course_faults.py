"""The thirteen faults of the course's own help code: each is shown at work, and to be absent here.

The faulty way is written out in a few lines where that makes the test able to fail. The page
book/common_mistakes.md has an entry for each.
"""

import inspect
import re
import shutil
from copy import deepcopy

import numpy as np
import pytest
import torch
import yaml
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch import nn
from torch.nn import functional
from torch.utils.data import Subset

from labkit import datasets, models, submission, training
from labkit.datasets import (
    LabelTransformer,
    PaddingTransform,
    SpectrogramDataset,
    Standardise,
    collate_padded,
    read_spectrogram,
    torch_train_val_split,
)
from labkit.environment import ROOT
from labkit.evaluation import check_apart, clips_of, predict, spearman
from labkit.faults import LastEpochStopper, StatefulLSTMBackbone
from labkit.features import HOP
from labkit.models import (
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    ModelError,
    MultitaskRegressor,
    Regressor,
    load_backbone_from_checkpoint,
    save_checkpoint,
)
from labkit.profiles import SAMPLE_RATE
from labkit.training import EarlyStopper, run_epoch, train

PAGE = (ROOT / "book" / "common_mistakes.md").read_text(encoding="utf-8")
TRAIN, VAL = TinyClips(48), TinyClips(24, first=100)


def regressor(seed=0):
    torch.manual_seed(seed)
    return Regressor(LSTMBackbone(FEATURES, 8, dropout=0, standardise=Standardise.fit(TRAIN)))


# --- the names -------------------------------------------------------------------------------------------------------

SIGNATURES = {
    datasets.torch_train_val_split: ("dataset", "batch_train", "batch_eval", "val_size", "shuffle", "seed"),
    datasets.read_mel_spectrogram: ("file",),
    datasets.read_chromagram: ("file",),
    datasets.read_fused_spectrogram: ("file",),
    datasets.read_spectrogram: ("file", "feat_type"),
    datasets.LabelTransformer.transform: ("self", "labels"),
    datasets.LabelTransformer.inverse: ("self", "indices"),
    datasets.PaddingTransform: ("max_length", "padding_value"),
    datasets.SpectrogramDataset: ("path", "class_mapping", "train", "feat_type", "max_length",
                                  "regression_label_index"),
    datasets.SpectrogramDataset.get_files_labels: ("self", "txt", "class_mapping"),
    models.LSTMBackbone: ("input_dim", "rnn_size", "num_layers", "bidirectional", "dropout"),
    models.LSTMBackbone.forward: ("self", "x", "lengths"),
    models.CNNBackbone: ("input_dim",),
    models.ASTBackbone: ("input_dim",),
    models.load_backbone_from_checkpoint: ("backbone", "file"),
    models.Classifier: ("backbone", "num_classes", "load_from_checkpoint"),
    models.Regressor: ("backbone", "load_from_checkpoint"),
    models.MultitaskRegressor: ("backbone", "load_from_checkpoint"),
    models.Classifier.forward: ("self", "x", "targets", "lengths"),
    training.EarlyStopper: ("patience", "min_delta", "save_path"),
    training.overfit_with_a_couple_of_batches: ("model", "train_loader", "optimizer", "device"),
    training.train: ("model", "train_loader", "val_loader", "optimizer", "epochs", "device", "overfit_batch"),
    submission.kaggle_submission: ("model", "data", "file"),
}


@pytest.mark.parametrize("name", SIGNATURES, ids=lambda name: name.__qualname__)
def test_the_courses_names_and_their_arguments(name):
    parameters = inspect.signature(name).parameters.values()
    expected = SIGNATURES[name]
    assert tuple(one.name for one in parameters)[:len(expected)] == expected
    assert all(one.default is not one.empty or one.kind is one.KEYWORD_ONLY for one in list(parameters)[len(expected):])


def test_the_courses_defaults():
    assert inspect.signature(torch_train_val_split).parameters["val_size"].default == 0.2
    assert inspect.signature(train).parameters["overfit_batch"].default is False
    assert inspect.signature(Classifier).parameters["load_from_checkpoint"].default is None
    assert len(datasets.CLASS_MAPPING) == 20
    assert SpectrogramDataset.__getitem__ and LSTMBackbone(12).feature_size == 128


# --- the faults ------------------------------------------------------------------------------------------------------

def test_fault_01_outputs_and_labels_are_not_broadcast():
    x, y, lengths = next(iter(TRAIN.loader(48)))
    faulty, ours = regressor(), regressor()
    optimizers = [torch.optim.Adam(model.parameters(), 0.05) for model in (faulty, ours)]
    for _ in range(60):
        column = faulty.output_layer(faulty.backbone(x, lengths))  # (B, 1) beside labels (B,)
        with pytest.warns(UserWarning, match=r"target size .* that is different to the input size"):
            losses = [functional.mse_loss(column, y), ours(x, y, lengths)[0]]
        for loss, optimizer in zip(losses, optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    spread = [model(x, None, lengths)[1].std().item() / y.std().item() for model in (faulty, ours)]
    assert losses[0].item() == pytest.approx(y.var(correction=0).item(), rel=0.05)  # as if all were the mean
    assert spread[0] < 0.15 < 0.8 < spread[1]
    assert spearman(*predict(ours, TRAIN.loader())).mean > 0.9
    with pytest.raises(ModelError, match=r"labels of shape \(48,\), a number each, found \(48, 1\)"):
        ours(x, y[:, None], lengths)


class FirstValue(nn.Module):
    """A model that answers with the first value of a clip."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x, targets, lengths):
        return None, self.scale * x[:, 0, 0]


def test_fault_02_spearman_is_taken_over_all_clips_at_once():
    labels = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
    answers = torch.tensor([0.6, 0.7, 0.8, 0.9, 0.1, 0.2, 0.3, 0.4])  # in order within each half, the halves exchanged
    items = [(answer.expand(3, FEATURES), label, 3) for answer, label in zip(answers, labels, strict=True)]

    def loader(size):
        return torch.utils.data.DataLoader(items, size, collate_fn=collate_padded)

    faulty = np.mean([spearman(x[:, 0, 0], y).mean for x, y, _ in loader(4)])
    ours = [spearman(*predict(FirstValue(), loader(size))).mean for size in (1, 3, 4, 8)]
    assert faulty == pytest.approx(1)
    assert ours == pytest.approx([spearman(answers, labels).mean] * 4)
    assert ours[0] < -0.5

    random = np.random.default_rng(0)
    labels = np.sort(random.normal(size=224))
    answers = labels + random.normal(size=224)

    def by_batches(order):
        return np.mean([spearman(answers[batch], labels[batch]).mean for batch in order.reshape(7, 32)])

    score = spearman(answers, labels).mean
    shuffled = np.mean([by_batches(random.permutation(224)) for _ in range(20)])
    assert score - 0.03 < shuffled < score  # only slightly too low
    assert by_batches(np.arange(224)) < 0.3 < score  # clips in the order of their labels


@torch.no_grad()
def test_fault_03_no_state_is_carried_from_batch_to_batch():
    torch.manual_seed(0)
    batches = list(TRAIN.loader(20))  # of 20, 20 and 8 clips
    first, _, lengths = batches[0]
    faulty, ours = StatefulLSTMBackbone(FEATURES, 8).eval(), LSTMBackbone(FEATURES, 8).eval()
    assert not torch.allclose(faulty(first, lengths), faulty(first, lengths), atol=1e-3)
    with pytest.raises(RuntimeError, match=r"Expected hidden\[0\] size \(1, 8, 8\), got \[1, 20, 8\]"):
        faulty(batches[2][0], batches[2][2])
    alone = ours(first, lengths)
    ours(batches[1][0], batches[1][2])
    torch.testing.assert_close(ours(first, lengths), alone, rtol=0, atol=0)
    forwards, backwards = ([ours(x, lengths) for x, _, lengths in order] for order in (batches, batches[::-1]))
    torch.testing.assert_close(forwards, backwards[::-1], rtol=0, atol=0)


def test_fault_04_padding_value_is_honoured(course):
    clip = read_spectrogram(next((course / "fma_genre_spectrograms" / "train").iterdir()))
    faulty = np.zeros((50, 128), np.float32)
    faulty[:len(clip)] = clip
    assert faulty[len(clip):].min() >= clip.max()  # in dB below the maximum, zeros are as loud as anything
    for value in (0.0, -80.0, 7.5):
        assert np.all(PaddingTransform(50, value)(clip)[len(clip):] == value)
        data = SpectrogramDataset(course / "fma_genre_spectrograms", max_length=50, padding_value=value)
        x, _, length = data[0]
        assert torch.all(x[length:] == value)
        unpadded = SpectrogramDataset(course / "fma_genre_spectrograms", padding_value=value)
        x, _, lengths = next(iter(torch_train_val_split(unpadded, 32, 32)[0]))
        assert lengths.min() < lengths.max()
        assert torch.all(x[lengths.argmin(), lengths.min():] == value)
    x, _, length = SpectrogramDataset(course / "fma_genre_spectrograms", max_length=50)[0]
    assert torch.all(x[length:] == -80)


def test_fault_04_label_index_0_is_valence(course):
    def faulty(labels, index):
        return labels[index] if index else labels

    labels = (0.1, 0.5, 1.0)
    assert faulty(labels, 0) == labels
    for index, value in enumerate(labels):
        y = SpectrogramDataset(course / "multitask_dataset", regression_label_index=index)[0][1]
        assert y.shape == ()
        assert y.item() == pytest.approx(value)


def test_fault_05_train_and_test_of_unequal_length():
    train_x, test_x = torch.zeros(2, 128, 12), torch.zeros(2, 130, 12)
    plain = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 64 * 6, 3))
    plain(train_x[:, None])
    with pytest.raises(RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(2x1560 and 1536x3\)"):
        plain(test_x[:, None])
    flat = CNNBackbone(12, (4, 4), (2, 2), readout="flatten", input_length=128)
    flat(train_x)
    with pytest.raises(ModelError, match=r"clips of 128 frames.*found 130\. Give train and test the same max_length"):
        flat(test_x)
    pooled = CNNBackbone(12, (4, 4), (2, 2))
    assert pooled(train_x).shape == pooled(test_x).shape


def test_fault_05_train_and_test_are_padded_alike(course):
    shapes = {SpectrogramDataset(course / "fma_genre_spectrograms", train=part, max_length=14)[0][0].shape
              for part in (True, False)}
    assert shapes == {(14, 128)}


def test_fault_06_one_encoding_for_train_and_test(course, tmp_path):
    genre = shutil.copytree(course / "fma_genre_spectrograms", tmp_path / "genre")
    lines = (genre / "test_labels.txt").read_text().splitlines()
    (genre / "test_labels.txt").write_text("\n".join(line for line in lines if "Blues" not in line))
    known, test = SpectrogramDataset(genre), SpectrogramDataset(genre, train=False)
    apart = LabelTransformer().fit(test.labels)  # the faulty way
    perfect, numbered_apart = known.label_transformer.transform(test.labels), apart.transform(test.labels)
    assert np.mean(perfect == numbered_apart) == 0  # a model that knows each genre would score nothing
    assert set(perfect - numbered_apart) == {1}  # beside the diagonal
    assert np.mean(perfect == test.targets.numpy()) == 1
    assert test.label_transformer.classes_ == known.label_transformer.classes_
    given = SpectrogramDataset(genre, train=False, label_transformer=known.label_transformer)
    assert given.targets.tolist() == test.targets.tolist() == known.label_transformer.transform(test.labels).tolist()


def test_fault_07_the_best_checkpoint_is_the_minimum_not_the_last(tmp_path):
    torch.manual_seed(0)
    wrong = TinyClips(24, first=100)
    wrong.levels = [1 - levels for levels in wrong.levels]  # the better a model fits the training clips, the worse here
    lowest = {}
    for kind in (LastEpochStopper, EarlyStopper):
        stopper, model = kind(20, save_path=tmp_path / "best.pt"), regressor()
        history = train(model, TRAIN.loader(), wrong.loader(), torch.optim.Adam(model.parameters(), 0.02), 8,
                        early_stopper=stopper)
        assert min(history.val) < 0.9 * history.val[-1]
        lowest[kind] = run_epoch(model, wrong.loader()), history
        facts = models.load_checkpoint(regressor(), tmp_path / "best.pt")
        assert facts["loss"] == pytest.approx(lowest[kind][0])
    loss, history = lowest[LastEpochStopper]
    assert loss == pytest.approx(history.val[-1])
    loss, history = lowest[EarlyStopper]
    assert loss == pytest.approx(min(history.val))
    assert facts["epoch"] == history.best_epoch < 8


def test_fault_08_transfer_keeps_what_was_loaded(tmp_path):
    torch.manual_seed(0)
    backbone = CNNBackbone(FEATURES, (4, 8), (2, 2), standardise=Standardise.fit(TRAIN))
    genre = Classifier(backbone, 2)
    run_epoch(genre, TinyClips(48, "class").loader(), torch.optim.Adam(genre.parameters(), 0.02))
    save_checkpoint(genre, tmp_path / "genre.pt")
    pretrained = deepcopy(genre.backbone.state_dict())

    def agreeing(model):
        return [torch.equal(model.backbone.state_dict()[name], value) for name, value in pretrained.items()]

    loaded = load_backbone_from_checkpoint(CNNBackbone(FEATURES, (4, 8), (2, 2)), tmp_path / "genre.pt")
    faulty = Regressor(CNNBackbone(FEATURES, (4, 8), (2, 2)))  # built anew, `loaded` is forgotten
    assert not all(agreeing(faulty))
    assert all(agreeing(Regressor(loaded)))
    for head in (Regressor, MultitaskRegressor):
        assert all(agreeing(head(CNNBackbone(FEATURES, (4, 8), (2, 2)), load_from_checkpoint=tmp_path / "genre.pt")))

    model = Regressor(loaded)
    with pytest.raises(ModelError, match="trainable parameters of the model, found one without 10 of them"):
        train(model, TRAIN.loader(), VAL.loader(), torch.optim.Adam(faulty.parameters()), 1)

    frozen, tuned = (Regressor(CNNBackbone(FEATURES, (4, 8), (2, 2)), tmp_path / "genre.pt") for _ in range(2))
    frozen.backbone.requires_grad_(False)
    for model in (frozen, tuned):
        before = model.output_layer.weight.clone()
        run_epoch(model, TRAIN.loader(), torch.optim.Adam(model.parameters(), 0.02))
        assert not torch.equal(model.output_layer.weight, before)
    assert all(agreeing(frozen))
    moved = dict(zip(pretrained, agreeing(tuned), strict=True))
    assert {name for name, same in moved.items() if same} == {"standardise.mean", "standardise.deviation"}


def test_fault_09_clips_that_are_trained_on_are_not_scored():
    random = np.random.default_rng(0)
    noise, labels = random.normal(size=(60, 40)), random.normal(size=60)  # nothing can be learned here
    weights = np.linalg.lstsq(noise[:30], labels[:30])[0]
    learned, unseen = (spearman(noise[part] @ weights, labels[part]).mean for part in (slice(30), slice(30, 60)))
    assert learned > 0.99
    assert abs(unseen) < 0.4

    model = regressor()
    optimizer = torch.optim.Adam(model.parameters())
    loader = TRAIN.loader()
    for other in (loader, TRAIN.loader(shuffle=True), TinyClips(4, first=46).loader()):
        with pytest.raises(ModelError, match=r"clips for scoring that are not trained on, found \d+ of \d+ among"):
            train(model, loader, other, optimizer, 1)
        with pytest.raises(ModelError, match="Score on the validation loader or the test loader"):
            check_apart(loader, other)
    check_apart(loader, VAL.loader())


def test_fault_09_the_two_parts_of_a_split_are_apart(course):
    data = SpectrogramDataset(course / "multitask_dataset", regression_label_index=0)
    parts = torch_train_val_split(data, 4, 4)
    check_apart(*parts)
    again = SpectrogramDataset(course / "multitask_dataset_beat", regression_label_index=0)  # the same ids
    with pytest.raises(ModelError, match="among the training clips"):
        check_apart(parts[0], torch.utils.data.DataLoader(Subset(again, parts[0].dataset.indices[:2])))


def test_fault_10_the_split_is_the_same_at_every_call(course):
    data = SpectrogramDataset(course / "fma_genre_spectrograms")

    def faulty():
        order = np.random.permutation(len(data))  # drawn without a seed
        return (torch.utils.data.DataLoader(Subset(data, part.tolist())) for part in (order[8:], order[:8]))

    trained_on, _ = faulty()  # in the cell that trains
    _, scored = faulty()      # in the cell that scores
    assert set(clips_of(trained_on.dataset)) & set(clips_of(scored.dataset))
    with pytest.raises(ModelError, match="among the training clips"):
        check_apart(trained_on, scored)
    first, second, other = (torch_train_val_split(data, 8, 8, seed=seed) for seed in (1, 1, 2))
    for one, two in zip(first, second, strict=True):
        assert one.dataset.indices == two.dataset.indices
        assert [y.tolist() for _, y, _ in one] == [y.tolist() for _, y, _ in two]  # the order of the batches too
    assert first[1].dataset.indices != other[1].dataset.indices
    torch.manual_seed(7)
    np.random.seed(7)
    default = torch_train_val_split(data, 8, 8)[1].dataset.indices
    torch.manual_seed(8)
    np.random.seed(8)
    assert torch_train_val_split(data, 8, 8)[1].dataset.indices == default


def loud_and_soft(count=32, frames=64):
    """Clips like mel spectrograms in dB, (count, frames, 128), and how loud each is, in [0, 1]."""
    torch.manual_seed(0)
    level = torch.rand(count, 1, 1)
    x = -60 + 30 * level - torch.linspace(0, 20, 128) + 6 * torch.randn(count, frames, 128)
    return x.clamp(-80, 0), level[:, 0, 0]


@torch.no_grad()
def test_fault_11_standardised_input_begins_at_a_small_loss():
    x, y = loud_and_soft()
    standardise = Standardise.fit([(clip, 0, len(clip)) for clip in x])
    losses = []
    for seed in range(7):
        torch.manual_seed(seed)
        plain = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(),
                              nn.Linear(8 * 16 * 32, 1))
        ours = Regressor(CNNBackbone(128, (8, 8), (4, 4), standardise=standardise)).eval()
        losses.append([functional.mse_loss(plain(x[:, None])[:, 0], y),
                       functional.mse_loss(plain(standardise(x)[:, None])[:, 0], y),
                       ours(x, y, torch.full((32,), 64))[0]])
    unscaled, scaled, ours = np.median(losses, axis=0)
    assert unscaled > 20 > 1 > max(scaled, ours)  # labels in [0, 1]: 0 for all of them would cost 0.3


def test_fault_11_standardised_input_leaves_the_gates_of_an_lstm_open():
    x, y = loud_and_soft()
    gradients, vectors = [], []
    for standardise in (None, Standardise.fit([(clip, 0, len(clip)) for clip in x])):
        torch.manual_seed(0)
        model = Classifier(LSTMBackbone(128, 32, dropout=0, standardise=standardise), 2)
        vectors.append(model.backbone(x).detach())
        model(x, (y > 0.5).long(), torch.full((32,), 64))[0].backward()
        gradients.append(model.backbone.lstm.weight_hh_l0.grad.abs().mean().item())
    assert 5 * gradients[0] < gradients[1]  # what one step passes on to the next
    full = [(vector.abs() > 0.7).float().mean().item() for vector in vectors]
    assert full[0] > 0.1 > 0.05 > full[1]


def test_fault_11_a_loss_of_2_2_is_that_of_the_classes_shares():
    shares = np.array([160, 160, 320, 320, 160, 160, 313, 160, 415, 137]) / 2305  # the course's ten classes, train
    assert shares.sum() == pytest.approx(1)
    entropy = -np.sum(shares * np.log(shares))
    assert f"the entropy of the ten classes' shares is {entropy:.2f}" in PAGE


def test_fault_12_nothing_bends_a_regression_output():
    x, y, lengths = next(iter(TRAIN.loader(48)))
    model = regressor()
    model.output_layer.weight.data *= 100
    raw = model.output_layer(model.backbone(x, lengths)).detach()
    assert torch.all(torch.softmax(raw, dim=1) == 1)  # the share of one among one
    assert np.isnan(spearman(torch.softmax(raw, dim=1)[:, 0], y).mean)
    answers = torch.linspace(-80, 16, 97)
    assert spearman(torch.sigmoid(answers), answers).mean == pytest.approx(1)  # a sigmoid keeps the order
    limit = float(re.search(r"above about ([\d.]+) all become exactly 1 in float32", PAGE)[1])
    assert torch.sigmoid(torch.tensor([limit - 0.05, limit + 0.05])).eq(1).tolist() == [False, True]
    assert len(torch.sigmoid(raw + 20).unique()) < len(raw.unique())  # different answers become the same one
    output = model(x, y, lengths)[1]
    model.output_layer.bias.data += 20
    torch.testing.assert_close(model(x, y, lengths)[1], output + 20)  # any number can be answered
    several = MultitaskRegressor(model.backbone)
    before = several(x, None, lengths)[1]
    several.output_layer.bias.data += torch.tensor([-20.0, 0.0, 20.0])
    torch.testing.assert_close(several(x, None, lengths)[1], before + torch.tensor([-20.0, 0.0, 20.0]))


def test_fault_13_cutting_is_stated(course):
    assert round(150 * HOP / SAMPLE_RATE, 1) == 3.5  # seconds, of 30
    assert round(30 / (150 * HOP / SAMPLE_RATE)) == 9  # "about a ninth"
    whole = SpectrogramDataset(course / "fma_genre_spectrograms")
    assert all(len(whole[index][0]) == whole[index][2] == frames for index, frames in enumerate(whole.frames()))
    assert "each at its own length" in whole.describe()
    data = SpectrogramDataset(course / "fma_genre_spectrograms", max_length=12)
    cut = int(np.sum(data.frames() > 12))
    kept = 100 * np.minimum(data.frames(), 12).sum() / data.frames().sum()
    assert 0 < cut < len(data)
    assert f"max_length=12 cuts {cut} of them and keeps {kept:.1f} % of all frames" in data.describe()
    assert data[int(np.argmax(data.frames()))][2] == 12  # the length is what is left
    assert "CUT" in PaddingTransform.__doc__


# --- the page --------------------------------------------------------------------------------------------------------

def test_each_fault_has_a_test_and_an_entry_in_the_book():
    entries = re.findall(r"^\(mistake-(\d+)\)=\n## (\d+)\. (.+)$", PAGE, re.MULTILINE)
    numbers = [str(number) for number in range(1, 14)]
    assert [anchor for anchor, _, _ in entries] == [number for _, number, _ in entries] == numbers
    tested = {str(int(name.split("_")[2])) for name in globals() if name.startswith("test_fault_")}
    assert tested == set(numbers)
    for part in re.split(r"^\(mistake-\d+\)=$", PAGE, flags=re.MULTILINE)[1:]:
        for word in ("**What one sees.**", "**Why.**", "**Instead.**", "```python"):
            assert word in part, f"{part.strip().splitlines()[0]}: expected {word}, found none"
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert "book/common_mistakes" in {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]}


def test_the_page_and_the_lessons_lead_to_what_is_there():
    linking = [file for file in (ROOT / "notebooks").glob("*.py") if "common_mistakes.md" in file.read_text("utf-8")]
    assert linking
    for file in (*linking, ROOT / "book" / "common_mistakes.md"):
        for target in re.findall(r"\]\(([^)#:]+\.(?:md|ipynb))", file.read_text(encoding="utf-8")):
            assert (file.parent / target).is_file(), f"{file.name} links to {target}"
    assert set(re.findall(r"\(#mistake-(\d+)\)", PAGE)) <= {str(number) for number in range(1, 14)}
    keys = re.findall(r"bibliography\.md#(\w+)", PAGE)
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert keys and all(f"{{{key}," in bibliography for key in keys)


def test_the_code_of_the_page_runs(course, tmp_path, monkeypatch):
    """Each snippet follows the one before, given loaders, an optimizer, the course's folders and a genre model."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(course, "data")
    save_checkpoint(Classifier(CNNBackbone(128), 3), "runs/genre.pt")
    data = SpectrogramDataset("data/multitask_dataset", regression_label_index=0)
    names = dict(zip(("train_loader", "val_loader"), torch_train_val_split(data, 8, 8), strict=True), data=data,
                 test_loader=torch.utils.data.DataLoader(SpectrogramDataset("data/multitask_dataset", train=False)))
    snippets = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(snippets) == 13
    for snippet in snippets:
        exec(snippet, names)
        names["optimizer"] = torch.optim.Adam(names["model"].parameters())
    assert len(names["history"].val) >= 1
