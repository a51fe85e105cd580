"""Backbones, heads and checkpoints: shapes, losses by hand, and that padding never changes an answer."""

import pickle
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from labkit.datasets import Standardise
from labkit.errors import LabError
from labkit.models import (
    ASTBackbone,
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    ModelError,
    MultitaskRegressor,
    Regressor,
    ResidualBackbone,
    load_backbone_from_checkpoint,
    load_checkpoint,
    save_checkpoint,
)

FITTED = Standardise.fit(TinyClips())


# Small networks of each kind; two of a kind differ only in their weights.
BACKBONES = {
    "lstm": partial(LSTMBackbone, FEATURES, 8, 2, dropout=0),
    "both directions": partial(LSTMBackbone, FEATURES, 8, 2, bidirectional=True, dropout=0),
    "mean": partial(LSTMBackbone, FEATURES, 8, dropout=0, readout="mean"),
    "attention": partial(LSTMBackbone, FEATURES, 8, 2, bidirectional=True, dropout=0, readout="attention"),
    "cnn": partial(CNNBackbone, FEATURES, (4, 6, 8, 8)),
    "flattened": partial(CNNBackbone, FEATURES, (4, 6, 8, 8), readout="flatten", input_length=12),
    "residual": partial(ResidualBackbone, FEATURES, (4, 6, 8, 8), 16, dropout=0),
    "ast": partial(ASTBackbone, FEATURES, 16, 2, 2, patch=(4, 5), dropout=0),
}
BACKBONES = {name: partial(build, standardise=FITTED) for name, build in BACKBONES.items()}
ANY_LENGTH = [name for name in BACKBONES if name != "flattened"]
HEADS = {
    "class": (lambda backbone: Classifier(backbone, 2), (2,)),
    "one": (Regressor, ()),
    "all": (MultitaskRegressor, (3,)),
}


def batch(label="one", count=6):
    """x (B, 12, F), targets, lengths; the longest clip has 12 frames."""
    x, targets, lengths = next(iter(TinyClips(200, label).loader(200)))
    chosen = torch.cat([torch.arange(count - 1), lengths.argmax()[None]])
    return x[chosen], targets[chosen], lengths[chosen]


# --- backbones -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", BACKBONES)
def test_one_vector_a_clip(name):
    backbone = BACKBONES[name]()
    x, _, lengths = batch()
    assert backbone(x, lengths).shape == (6, backbone.feature_size)
    assert backbone(x).dtype == torch.float32


@pytest.mark.parametrize("name", BACKBONES)
def test_every_weight_gets_a_gradient(name):
    backbone = BACKBONES[name]()
    x, _, lengths = batch()
    (backbone(x, lengths) * torch.randn(backbone.feature_size)).sum().backward()
    still = [key for key, weight in backbone.named_parameters() if weight.grad is None or not weight.grad.any()]
    # one query meets all keys alike shifted: the keys' own bias has no influence in attention
    assert not [key for key in still if "in_proj_bias" not in key]


@pytest.mark.parametrize("name", ANY_LENGTH)
@settings(max_examples=25)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), value=st.sampled_from([0.0, -80.0, 1e4]))
def test_what_is_padded_never_changes_the_answer(name, lengths, value):
    torch.manual_seed(len(lengths))
    backbone = BACKBONES[name]().eval()
    x = torch.randn(len(lengths), max(lengths) + 3, FEATURES)
    for clip, length in zip(x, lengths, strict=True):
        clip[length:] = value
    with torch.no_grad():
        together = backbone(x, torch.tensor(lengths))
        alone = torch.cat([backbone(clip[None, :length]) for clip, length in zip(x, lengths, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, -80.0, 1e4])
@pytest.mark.parametrize("name", ANY_LENGTH)
def test_what_is_padded_never_changes_what_is_learned(name, value):
    short, (x, targets, lengths) = Regressor(BACKBONES[name]()), batch()
    long = deepcopy(short)
    padded = torch.cat([x, torch.zeros(6, 20, FEATURES)], dim=1)
    for clip, length in zip(padded, lengths, strict=True):
        clip[length:] = value
    losses = [model.train()(clips, targets, lengths)[0] for model, clips in ((short, x), (long, padded))]
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(long.state_dict(), short.state_dict())  # the running means and variances too
    for one, two in zip(long.parameters(), short.parameters(), strict=True):
        torch.testing.assert_close(one.grad if one.grad is not None else 0, two.grad if two.grad is not None else 0,
                                   rtol=1e-3, atol=1e-5)


def layer_by_layer(backbone, x, lengths):
    """What CNNBackbone does, in the plain order: convolution, normalisation of all values, ReLU, pooling, padding."""
    maps, lengths = [clip[None, None, :length] for clip, length in zip(x, lengths, strict=True)], list(lengths)
    for (convolution, norm, relu), pool in zip(backbone.blocks, backbone.pools, strict=True):
        together = relu(norm(torch.cat([convolution(clip) for clip in maps], dim=2)))
        maps = [torch.nn.functional.max_pool2d(clip, pool, ceil_mode=True) for clip in together.split(lengths, dim=2)]
        lengths = [clip.shape[2] for clip in maps]
    return torch.cat([clip.mean((2, 3)) for clip in maps])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("lengths", [(13, 13, 13), (13, 2, 7), (5, 1, 12), (1, 1, 1)])
def test_pooling_before_normalisation_is_the_same_function(lengths, training):
    torch.manual_seed(0)
    ours = CNNBackbone(FEATURES, (4, 6, 5), (2, 3, 2)).double()
    for block in ours.blocks:
        torch.nn.init.normal_(block[1].weight)  # negative ones among them: there the smallest value wins
        torch.nn.init.normal_(block[1].bias)
        block[1].running_var.uniform_(0.5, 2)
        assert (block[1].weight < 0).any() and (block[1].weight > 0).any()
    plain = deepcopy(ours)
    x = 2 + 3 * torch.randn(3, 13, FEATURES, dtype=torch.float64)
    clips = [x.clone().requires_grad_() for _ in range(2)]
    directions = torch.randn(3, 5, dtype=torch.float64)
    found = ours.train(training)(clips[0], torch.tensor(lengths))
    expected = layer_by_layer(plain.train(training), clips[1], lengths)
    for vectors in (found, expected):
        (vectors * directions).sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(*(clip.grad for clip in clips))
    assert clips[0].grad.any()
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())  # the running means and variances too
    for one, two in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)
    assert ours.blocks[0][1].num_batches_tracked == int(training)


def test_batch_statistics_are_those_of_the_clips_own_frames():
    torch.manual_seed(0)
    backbone, x, lengths = CNNBackbone(5, (4,), (2,)), torch.randn(3, 9, 5), torch.tensor([9, 2, 5])
    backbone(x, lengths)
    convolution, norm, _ = backbone.blocks[0]
    frames = torch.cat([convolution(clip[None, :length])
                        for clip, length in zip(x, lengths, strict=True)], dim=1)
    torch.testing.assert_close(norm.running_mean, 0.1 * frames.mean((1, 2)))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * frames.var((1, 2)))


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_a_weight_of_zero_differs_in_its_own_gradient_alone(weight):
    torch.manual_seed(0)
    ours, x, lengths = CNNBackbone(FEATURES, (4,), (2,)).double(), torch.randn(3, 9, FEATURES).double(), [9, 4, 6]
    torch.nn.init.constant_(ours.blocks[0][1].weight, weight)
    torch.nn.init.constant_(ours.blocks[0][1].bias, 0.5)
    plain = deepcopy(ours)
    found, expected = ours(x, lengths), layer_by_layer(plain, x, lengths)
    torch.testing.assert_close(found, expected)
    for vectors in (found, expected):
        vectors.sum().backward()
    differ = {name for (name, one), two in zip(ours.named_parameters(), plain.parameters(), strict=True)
              if not torch.allclose(one.grad, two.grad)}
    assert differ == (set() if weight else {"blocks.0.1.weight"})


def second_derivatives(backbone, x):
    """Of the sum of the vectors by the clips."""
    return torch.autograd.functional.hessian(lambda clips: backbone(clips).sum(), x)


def test_a_second_derivative_is_right_or_refused():
    torch.manual_seed(0)
    backbone, x = CNNBackbone(FEATURES, (4, 6), (2, 2)), torch.randn(2, 2, FEATURES, requires_grad=True)
    refused = partial(pytest.raises, RuntimeError, match="differentiated once in training mode.* in evaluation mode")
    with refused():
        second_derivatives(backbone, x.detach())
    for create_graph_of in ([x], list(backbone.parameters())):
        with refused():
            torch.autograd.grad(backbone(x).sum(), create_graph_of, create_graph=True)
    torch.autograd.grad(backbone(x).sum(), x)  # once
    assert not second_derivatives(backbone.eval(), x.detach()).any()  # lines and corners alone
    slope, = torch.autograd.grad(backbone(x).sum(), x, create_graph=True)
    penalties = torch.autograd.grad(slope.square().sum(), backbone.blocks[0][0].weight)
    assert penalties[0].any()
    assert second_derivatives(ResidualBackbone(FEATURES, (4, 6, 8, 8), 16, dropout=0), x.detach()).any()


@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize("name", ["cnn", "residual"])
def test_running_means_move_as_those_of_the_plain_layers(name, momentum):
    torch.manual_seed(0)
    ours = (CNNBackbone(FEATURES, (4, 6), (2, 2)) if name == "cnn"
            else ResidualBackbone(FEATURES, (4, 6, 8, 8), 16, dropout=0)).double()
    norms = {key: module for key, module in ours.named_modules() if "BatchNorm" in type(module).__name__}
    for norm in norms.values():
        norm.momentum = momentum
    plain, means = deepcopy(ours), []
    for _ in range(3):
        x = torch.randn(3, 9, FEATURES).double()
        ours(x, [9, 2, 5])
        if name == "cnn":
            layer_by_layer(plain, x, [9, 2, 5])
        means.append(norms["blocks.0.1" if name == "cnn" else "norms.0"].running_mean.clone())
    if name == "cnn":
        torch.testing.assert_close(ours.state_dict(), plain.state_dict())
    assert all(norm.num_batches_tracked == 3 for norm in norms.values())
    assert not torch.allclose(means[0], means[2])


def test_one_value_alone_takes_the_statistics_that_ran_along():
    torch.manual_seed(0)
    backbone, x = CNNBackbone(FEATURES, (4, 6, 5), (4, 4, 2)), torch.randn(1, 9, FEATURES)
    backbone(torch.randn(6, 40, FEATURES))
    first, _, last = (block[1] for block in backbone.blocks)
    before = deepcopy([first.state_dict(), last.state_dict()])
    vector = backbone(x, [9])  # one frame and one band are left to the last block
    vector.sum().backward()
    torch.testing.assert_close(last.state_dict(), before[1])
    assert not torch.equal(first.running_mean, before[0]["running_mean"])
    assert vector.any() and backbone.blocks[0][0].weight.grad.any()
    torch.testing.assert_close(backbone(torch.cat([x, x], dim=1), [9]), vector)  # padded too


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", BACKBONES)
def test_autocast_gives_nearly_the_same_loss(name, training):
    torch.manual_seed(0)
    plain, (x, targets, lengths) = Regressor(BACKBONES[name]()).train(training), batch()
    mixed = deepcopy(plain)
    expected, _ = plain(x, targets, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        found, output = mixed(x, targets, lengths)
    assert output.dtype == torch.bfloat16  # it was in force
    for loss in (found, expected):
        loss.backward()
    torch.testing.assert_close(found, expected, rtol=0.1, atol=0.01)
    for (key, one), (_, two) in zip(mixed.state_dict().items(), plain.state_dict().items(), strict=True):
        assert one.dtype == two.dtype, key
        torch.testing.assert_close(one, two, rtol=0.05, atol=0.02)  # the running means and variances
    assert all(torch.isfinite(weight.grad).all() for weight in mixed.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_whose_forward_hooks_run(training):
    def called(backbone, run):
        names = set()
        hooks = [module.register_forward_hook(lambda *_, name=name: names.add(name))
                 for name, module in backbone.named_modules()]
        run(backbone.train(training))
        for hook in hooks:
            hook.remove()
        return names

    x, _, lengths = batch()
    cnn, residual = CNNBackbone(FEATURES, (4, 6), (2, 2)), BACKBONES["residual"]()
    assert called(cnn, lambda backbone: backbone(x, lengths)) == {"", "standardise"}
    block = {"blocks.0", "blocks.0.0", "blocks.0.1", "blocks.0.2"}
    assert called(cnn, lambda backbone: backbone.blocks[0](x[:, None])) == block
    layers = {name for name, module in residual.named_modules() if not isinstance(module, torch.nn.ModuleList)}
    assert {name for name in layers if name.count(".") == 2} <= called(residual, lambda backbone: backbone(x, lengths))


@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_padded_lstm_equals_the_packed_one(layers, bidirectional, readout):
    torch.manual_seed(0)
    backbone = LSTMBackbone(FEATURES, 8, layers, bidirectional, 0, readout)
    x, _, lengths = batch()
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    steps, _ = pad_packed_sequence(backbone.lstm(packed)[0], batch_first=True)
    if readout == "mean":
        expected = torch.stack([clip[:length].mean(0) for clip, length in zip(steps, lengths, strict=True)])
    else:
        expected = steps[torch.arange(6), lengths - 1]
        if bidirectional:  # the second direction ends at the first frame
            expected = torch.cat([expected[:, :8], steps[:, 0, 8:]], dim=1)
    found, directions = backbone(x, lengths), torch.randn(expected.shape)
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad((vectors * directions).sum(), backbone.lstm.parameters())
                 for vectors in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def test_attention_is_a_mean_with_weights_that_are_learned():
    backbone = LSTMBackbone(FEATURES, 8, bidirectional=True, dropout=0, readout="attention")
    x, _, lengths = batch()
    mean = LSTMBackbone(FEATURES, 8, bidirectional=True, dropout=0, readout="mean")
    mean.lstm.load_state_dict(backbone.lstm.state_dict())
    assert not torch.allclose(backbone(x, lengths), mean(x, lengths), atol=1e-3)
    torch.nn.init.zeros_(backbone.score.weight)  # all frames alike
    torch.testing.assert_close(backbone(x, lengths), mean(x, lengths))


def test_dropout_stands_between_the_layers_of_both_directions():
    x, _, lengths = batch()
    for layers, differ in ((1, False), (2, True)):
        backbone = LSTMBackbone(FEATURES, 8, layers, bidirectional=True, dropout=0.5)
        backbone.dropout.eval()
        assert torch.equal(backbone(x, lengths), backbone(x, lengths)) is not differ
        backbone.eval()
        assert torch.equal(backbone(x, lengths), backbone(x, lengths))


@pytest.mark.parametrize("features", [12, 128, 140])
@pytest.mark.parametrize("build", [LSTMBackbone, CNNBackbone, ResidualBackbone, ASTBackbone])
def test_lengths_from_one_frame_to_a_whole_clip(build, features):
    backbone = build(features).eval()
    with torch.no_grad():
        for length in (1, 2, 63, 1293):
            vector = backbone(torch.randn(1, length, features))
            assert vector.shape == (1, backbone.feature_size)
            assert torch.isfinite(vector).all()


def test_the_cnn_is_the_reports():
    flat = CNNBackbone(128, readout="flatten", input_length=128)
    assert [block[0].out_channels for block in flat.blocks] == [32, 64, 128, 256]
    assert [block[0].kernel_size for block in flat.blocks] == [(3, 3)] * 4
    layers = [[type(layer).__name__ for layer in block] for block in flat.blocks]
    assert layers == [["Conv2d", "BatchNorm2d", "ReLU"]] * 4
    assert flat.feature_size == 256 * 2 * 2  # 128 over pools of 2, 2, 4 and 4 leaves 2
    assert CNNBackbone(128).feature_size == 256


def test_the_pooled_cnn_is_the_mean_of_the_last_maps():
    pooled, flat = (CNNBackbone(FEATURES, (4, 8), (2, 2), readout=readout, input_length=12).eval()
                    for readout in ("pool", "flatten"))
    flat.load_state_dict(pooled.state_dict())
    x, _, _ = batch()
    torch.testing.assert_close(pooled(x), flat(x).view(6, 8, -1).mean(2))


def test_the_transformer_knows_places():
    torch.manual_seed(0)
    backbone = ASTBackbone(FEATURES, 16, 2, 2, patch=(4, 4), max_length=16).eval()
    x = torch.randn(1, 16, FEATURES)
    turned = torch.cat([x[:, 8:], x[:, :8]], dim=1)
    assert not torch.allclose(backbone(x), backbone(turned), atol=1e-3)
    with pytest.raises(ModelError, match=r"at most 16 frames, found 17\. Build the network with a larger max_length"):
        backbone(torch.randn(1, 17, FEATURES))


@pytest.mark.parametrize("name", BACKBONES)
def test_a_batch_of_one_clip_can_be_trained_on(name):
    x, targets, lengths = (part[:1] for part in batch())
    model = Regressor(BACKBONES[name]())
    loss, _ = model(x, targets, lengths)
    loss.backward()
    assert torch.isfinite(loss) and all(torch.isfinite(weight.grad).all() for weight in model.parameters())


@pytest.mark.parametrize("name", BACKBONES)
def test_standardisation_is_in_front_and_in_the_state(name):
    x, _, lengths = batch()
    plain, scaled = BACKBONES[name]().eval(), BACKBONES[name]().eval()
    scaled.load_state_dict(plain.state_dict())
    plain.standardise = Standardise(FEATURES)
    torch.testing.assert_close(scaled(x, lengths), plain(FITTED(x), lengths))
    assert {"standardise.mean", "standardise.deviation"} <= set(scaled.state_dict())


@pytest.mark.parametrize("shape, dtype, message", [
    ((2, 9, 128), torch.float32, r"\(B, L, 12\), torch.float32, found \(2, 9, 128\)"),
    ((2, 12, 9), torch.float32, r"found \(2, 12, 9\), torch.float32. It seems to be features x time: transpose it"),
    ((9, 12), torch.float32, r"found \(9, 12\)"),
    ((2, 0, 12), torch.float32, r"found \(2, 0, 12\)"),
    ((2, 9, 12), torch.float64, r"found \(2, 9, 12\), torch.float64"),
])
def test_another_shape_is_refused_at_the_door(shape, dtype, message):
    with pytest.raises(ModelError, match=message):
        LSTMBackbone(FEATURES)(torch.zeros(shape, dtype=dtype))


@pytest.mark.parametrize("kind", [torch.tensor, list])
@pytest.mark.parametrize("lengths", [[1, 10], [0, 9], [9], [[9], [9]], [9.0, 9.0], [True, True], []])
def test_other_lengths_are_refused(lengths, kind):
    with pytest.raises(ModelError, match=r"Expected 2 lengths from 1 to 9, found .*, torch\..*\. Give the lengths"):
        LSTMBackbone(FEATURES)(torch.zeros(2, 9, FEATURES), kind(lengths))


@pytest.mark.parametrize("kind", [list, tuple, np.array, partial(torch.tensor, dtype=torch.int32)])
@pytest.mark.parametrize("name", ANY_LENGTH)
def test_lengths_may_be_any_whole_numbers(name, kind):
    x, _, lengths = batch()
    backbone = BACKBONES[name]()
    first = backbone(x, lengths)
    torch.testing.assert_close(backbone(x, kind(lengths.tolist())), first)


def test_arguments_that_do_not_fit():
    with pytest.raises(ModelError, match="Standardise of 12 features, found one of 128"):
        LSTMBackbone(12, standardise=Standardise(128))
    with pytest.raises(ValueError, match="readout='last', 'mean' or 'attention', found 'pool'"):
        LSTMBackbone(12, readout="pool")
    with pytest.raises(ValueError, match="readout='pool' or 'flatten', found 'mean'"):
        CNNBackbone(12, readout="mean")
    with pytest.raises(ValueError, match="Expected input_length with readout='flatten', found None"):
        CNNBackbone(12, readout="flatten")
    for pools in ((2, 2), (2, 2, 2, 2)):
        with pytest.raises(ValueError, match=rf"as many pools as channels, 3, found {len(pools)}\. Give one number"):
            CNNBackbone(12, (4, 8, 8), pools)
    for classes in (0, 1):
        with pytest.raises(ValueError, match=rf"Expected num_classes of at least 2, found {classes}\. Give"):
            Classifier(LSTMBackbone(12), classes)
    with pytest.raises(ValueError, match=r"Expected 4 channels, found 3\. Give one number a block"):
        ResidualBackbone(12, (4, 8, 8))
    assert issubclass(ModelError, LabError)


# --- heads -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("label", [label if label == "all" else pytest.param(label, marks=pytest.mark.slow)
                                   for label in HEADS])
def test_every_head_on_every_backbone_learns_a_batch_by_heart(name, label):
    torch.manual_seed(0)
    head, shape = HEADS[label]
    model = head(BACKBONES[name]())
    x, targets, lengths = batch(label)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(80):
        loss, output = model(x, targets, lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert output.shape == (6, *shape)
    assert losses[-1] < 0.1 * losses[0]


def test_losses_by_hand():
    x, _, lengths = batch(count=3)
    backbone = BACKBONES["lstm"]().eval()
    classifier, one, three = Classifier(backbone, 4).eval(), Regressor(backbone).eval(), MultitaskRegressor(backbone)
    classes, numbers = torch.tensor([3, 0, 1]), torch.tensor([[0.1, 0.2, 0.9], [0.5, 0.5, 0.5], [1.0, 0.0, 0.3]])
    loss, output = classifier(x, classes, lengths)
    shares = np.exp(output.detach().numpy()) / np.exp(output.detach().numpy()).sum(1, keepdims=True)
    assert loss.item() == pytest.approx(-np.mean(np.log(shares[[0, 1, 2], [3, 0, 1]])), rel=1e-5)
    loss, output = one(x, numbers[:, 0], lengths)
    assert loss.item() == pytest.approx(np.mean((output - numbers[:, 0]).detach().numpy() ** 2), rel=1e-5)
    loss, output = three.eval()(x, numbers, lengths)
    by_axis = ((output - numbers).detach().numpy() ** 2).mean(0)
    assert loss.item() == pytest.approx(by_axis.sum(), rel=1e-5)


@pytest.mark.parametrize("label", HEADS)
def test_without_targets_there_is_an_output_and_no_loss(label):
    x, targets, lengths = batch(label)
    model = HEADS[label][0](BACKBONES["cnn"]()).eval()
    loss, output = model(x, None, lengths)
    assert loss is None
    torch.testing.assert_close(output, model(x, targets, lengths)[1])


def test_features_are_what_the_output_layer_sees():
    x, targets, lengths = batch("all")
    model = MultitaskRegressor(BACKBONES["cnn"]()).eval()
    features = model.features(x, lengths)
    torch.testing.assert_close(features, model.backbone(x, lengths))
    torch.testing.assert_close(model.output_layer(features), model(x, targets, lengths)[1])
    torch.testing.assert_close(model.features(x[:1]), model.features(x[:1], torch.tensor([12])))


@pytest.mark.parametrize("targets, found", [
    (torch.tensor([0, 2]), "0 to 2"), (torch.tensor([0, -1]), "-1 to 0 .-1 is a clip without a label"),
    (torch.tensor([0.0, 1.0]), r"\(2,\), torch.float32"), (torch.tensor([[0], [1]]), r"\(2, 1\)"),
    (torch.tensor([0]), r"\(1,\)")])
def test_class_indices_are_checked(targets, found):
    model = Classifier(LSTMBackbone(FEATURES, 4), 2)
    with pytest.raises(ModelError, match=rf"class indices of shape \(2,\), torch.int64, from 0 to 1, found {found}"):
        model(torch.zeros(2, 5, FEATURES), targets, torch.tensor([5, 5]))


@pytest.mark.parametrize("head, targets, message", [
    (Regressor, torch.zeros(2, 1), r"shape \(2,\), a number each, found \(2, 1\)"),
    (Regressor, torch.zeros(2, 3), r"shape \(2,\), a number each, found \(2, 3\)"),
    (Regressor, torch.tensor([0.5, torch.nan]), "found NaN in 1 of them"),
    (MultitaskRegressor, torch.zeros(2), r"shape \(2, 3\), a number each, found \(2,\)"),
])
def test_mood_labels_are_checked(head, targets, message):
    with pytest.raises(ModelError, match=message):
        head(LSTMBackbone(FEATURES, 4))(torch.zeros(2, 5, FEATURES), targets, torch.tensor([5, 5]))


# --- checkpoints -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", BACKBONES)
def test_a_checkpoint_gives_the_same_answers(name, tmp_path):
    x, _, lengths = batch()
    model = Regressor(BACKBONES[name]())
    model(x, None, lengths)  # moves the running means of the batch normalisation
    save_checkpoint(model, tmp_path / "runs" / "best.pt", epoch=3, loss=0.25)
    other = Regressor(BACKBONES[name]())
    assert load_checkpoint(other, tmp_path / "runs" / "best.pt") == {"epoch": 3, "loss": 0.25}
    torch.testing.assert_close(other.eval()(x, None, lengths), model.eval()(x, None, lengths), rtol=0, atol=0)
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["best.pt"]


def test_a_checkpoint_keeps_plain_facts_of_any_depth(tmp_path):
    facts = {"config": {"epochs": 3, "learning_rate": 1e-3, "keep": "last", "clip_norm": None, "sizes": [[1, 2], [3]]},
             "classes": ["Blues", "Rock"], "digest": "0f3a", "is_done": True}
    model = Regressor(LSTMBackbone(12, 4))
    save_checkpoint(model, tmp_path / "best.pt", **facts)
    assert load_checkpoint(model, tmp_path / "best.pt") == facts


@pytest.mark.parametrize("fact", [{"a": {1: 2}}, {"a": np.zeros(2)}, torch.zeros(2), {1, 2}, [np.datetime64("2020")]])
def test_what_could_not_be_loaded_is_not_saved(fact, tmp_path):
    with pytest.raises(ValueError, match=r"(?s)Expected plain facts, found .* in loss\. Do str\(\.\.\.\) or \.tolist"):
        save_checkpoint(Regressor(LSTMBackbone(12, 4)), tmp_path / "runs" / "best.pt", epoch=1, loss=fact)
    assert not list(tmp_path.iterdir())


def test_single_numbers_are_saved_as_pythons(tmp_path):
    model = Regressor(LSTMBackbone(12, 4))
    save_checkpoint(model, tmp_path / "best.pt", loss=np.float64(0.5), config={"sizes": [np.int64(3), torch.tensor(2)]},
                    genre=np.str_("Rock"), ok=np.True_)
    facts = load_checkpoint(model, tmp_path / "best.pt")
    assert facts == {"loss": 0.5, "config": {"sizes": [3, 2]}, "genre": "Rock", "ok": True}
    assert [type(fact) for fact in facts.values()] == [float, dict, str, bool]


def test_no_fact_takes_the_place_of_the_weights(tmp_path):
    with pytest.raises(ValueError, match=r"Expected facts beside the weights, found one named 'weights'\. Give it"):
        save_checkpoint(Regressor(LSTMBackbone(12, 4)), tmp_path / "best.pt", weights=[0.5])
    assert not list(tmp_path.iterdir())


def test_a_plain_state_file_serves_for_a_backbone(tmp_path):
    model = Classifier(BACKBONES["cnn"](), 5)
    torch.save(model.state_dict(), tmp_path / "genre.pt")
    torch.save(model.backbone.state_dict(), tmp_path / "backbone.pt")
    for name in ("genre.pt", "backbone.pt"):
        loaded = load_backbone_from_checkpoint(BACKBONES["cnn"](), tmp_path / name).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in model.backbone.state_dict().items())


def test_a_checkpoint_of_another_build_changes_nothing(tmp_path):
    save_checkpoint(Classifier(LSTMBackbone(128, 8), 3), tmp_path / "mel.pt")
    save_checkpoint(LSTMBackbone(12, 8, 2), tmp_path / "deep.pt")
    model = Classifier(LSTMBackbone(12, 8), 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ModelError, match=r"mel\.pt: expected backbone.lstm.weight_ih_l0 \(32, 12\), found \(32, 128\).*"
                                         r"Build the network with the arguments of the one that was saved"):
        load_checkpoint(model, tmp_path / "mel.pt")
    with pytest.raises(ModelError, match=r"expected lstm.bias_hh_l1 not at all, found \(32,\);.*; and 1 more\."):
        load_backbone_from_checkpoint(model.backbone, tmp_path / "deep.pt")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


class Harmful:
    """An object that would run code when it is unpickled."""

    def __reduce__(self):
        return (print, ("unpickled",))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut short", pickle.dumps(Harmful(), 2),
                                     pickle.dumps({"weights": Harmful()}, 2)])
def test_files_that_are_no_checkpoints(content, tmp_path, capsys):
    file = tmp_path / "best.pt"
    with pytest.raises(ModelError, match=r"Expected a checkpoint at .*, found none\. Train"):
        load_checkpoint(Regressor(LSTMBackbone(12, 4)), file)
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"best\.pt: expected a checkpoint with weights, found a file that cannot be"):
        load_checkpoint(Regressor(LSTMBackbone(12, 4)), file)
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [{"weights": {"a": 1}}, [1, 2], torch.zeros(3)])
def test_saved_things_that_hold_no_weights(content, tmp_path):
    torch.save(content, tmp_path / "best.pt")
    with pytest.raises(ModelError, match="cannot be read as one"):
        load_checkpoint(Regressor(LSTMBackbone(12, 4)), tmp_path / "best.pt")


# --- freezing --------------------------------------------------------------------------------------------------------

def test_a_frozen_backbone_stays_as_it_is():
    x, targets, lengths = batch()
    model = Regressor(BACKBONES["cnn"]())
    model.backbone.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    model(x, targets, lengths)[0].backward()
    optimizer.step()
    moved = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(before[name], value)}
    assert moved == {"output_layer"}  # nor did the running means of the batch normalisation move
    model.backbone.requires_grad_(True)
    model.train()
    model(x, targets, lengths)
    assert not torch.equal(before["backbone.blocks.0.1.running_mean"], model.backbone.blocks[0][1].running_mean)


def test_a_frozen_block_stays_as_it_is():
    x, targets, lengths = batch()
    model = Regressor(BACKBONES["cnn"]())
    model.backbone.blocks[:2].requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    model(x, targets, lengths)[0].backward()
    optimizer.step()
    still = {name for name, value in model.state_dict().items() if torch.equal(before[name], value)}
    first = {name for name in before if name.startswith(("backbone.blocks.0.", "backbone.blocks.1."))}
    assert still == first | {"backbone.standardise.mean", "backbone.standardise.deviation"}
    model.eval()
    assert not any(module.training for module in model.modules())


def test_dropout_of_what_is_not_frozen_stays_on():
    model = Regressor(LSTMBackbone(FEATURES, 8, dropout=0.5))
    model.backbone.lstm.weight_hh_l0.requires_grad_(False)  # one of its weights alone
    model.train()
    assert model.backbone.lstm.training and model.backbone.dropout.training
    model.backbone.requires_grad_(False)
    model.train()
    assert model.training and not model.backbone.dropout.training


def test_a_printed_backbone_shows_all_that_decides_its_function():
    early, late = (CNNBackbone(8, (2, 3), pools) for pools in ((4, 2), (2, 4)))
    assert str(early) != str(late) and "pools=(4, 2), readout='pool'" in str(early)
    assert str(LSTMBackbone(8, 4, readout="mean")) != str(LSTMBackbone(8, 4, readout="attention"))
    assert str(ASTBackbone(32, 8, heads=2)) != str(ASTBackbone(32, 8, heads=4))
