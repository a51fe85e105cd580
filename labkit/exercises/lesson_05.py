"""The checks of lesson 5: clips turned round one by one, an LSTM that reads both ways, and the epoch to stop at."""

import numpy as np

from labkit.exercises.core import NotYet, earlier_fails, exercise, expect, numbers


def padded_clips(*lengths: int, features: int = 3, seed: int = 0):
    """A batch (B, L, F) whose padding is -80, and its lengths, as tensors."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    x = torch.full((len(lengths), max(lengths), features), -80.0)
    for row, length in zip(x, lengths, strict=True):
        row[:length] = torch.randn(length, features, generator=rng)
    return x, torch.tensor(lengths)


def turned_round(x, lengths):
    """What exercise 5.1 asks for."""
    y = x.clone()
    for row, clip, length in zip(y, x, lengths, strict=True):
        row[:length] = clip[:length].flip(0)
    return y


def show_turned() -> None:
    """A batch of three clips that become louder, and the same turned round."""
    import torch

    from labkit import plots

    lengths = torch.tensor([12, 7, 10])
    x = torch.full((3, 12, 1), -80.0)
    for row, length in zip(x, lengths, strict=True):
        row[:length, 0] = torch.linspace(-60, 0, int(length))
    figure, axes = plots.figure(columns=2, height=1.5, sharey=True)
    for axis, batch, title in zip(axes[0], (x, turned_round(x, lengths)), ("x", "turned(x, lengths)"), strict=True):
        axis.imshow(batch[:, :, 0], aspect="auto", vmin=-80, vmax=0)
        axis.set(title=title, xlabel="frame", yticks=range(3))
    axes[0, 0].set(ylabel="clip")
    plots.show(figure, alt="The target of exercise 5.1: three clips of 12, 7 and 10 frames that grow brighter to their "
                           "end, dark padding behind them; turned round they begin at their brightest, and the padding "
                           "is still at the end.")


@exercise("5.1", names=("turned",), target=show_turned,
          hints=("The loop hands over one clip after the other. Which of its frames are music, which are padding? Only "
                 "the music changes places.",
                 "`clip[:length]` are the frames of the music, and `.flip(0)` turns them round. `row[:length] = ...` "
                 "writes them where they belong: into a row of y, and so into y."),
          praise="Each clip begins with its own last frame, and the padding is where a forward LSTM meets it last.")
def check_turned(turned):
    """By clips of several lengths; also that the batch itself is left alone, and that twice is as never."""
    import torch

    for lengths in ((6, 2, 5, 1), (3, 3)):
        x, sizes = padded_clips(*lengths)
        given, what = x.clone(), f"`turned(x, lengths)` of clips of {', '.join(map(str, lengths))} frames"
        answer = turned(given, sizes.clone())
        found = numbers(answer, what)
        if not np.array_equal(given, x):
            raise NotYet("The batch that it was given is changed. Write into the copy, y: the LSTM that reads forwards "
                         "still needs x.")
        short = turned_round(x, sizes - 1)
        usual = (
            (x.flip(1), "All frames are turned, the padding too: a short clip now begins with its padding. Turn only "
                        "the first `length` frames of each clip."),
            (x, "The clips come back as they were. If you wrote `row = ...`, that only renames; `row[:length] = ...` "
                "writes into y."),
            (short, "The last frame of each clip stays where it was. `clip[:length]` holds all of its frames."),
            (x.flip(2), "The features are turned, not the frames. The frames are axis 0 of a single clip."),
            (x.flip(0), "The order of the clips is turned. Go through the clips one by one and turn their frames."),
        )
        expect(found, turned_round(x, sizes), what, usual, rtol=0, atol=0,
               advice="Compare turned(x, lengths)[1] with x[1].")
        again = turned(torch.from_numpy(found).to(x.dtype), sizes.clone())
        expect(again, x, f"{what}, turned a second time,", rtol=0, atol=0,
               advice="Twice is as never: the answer may depend on nothing but x and lengths.")


def halves(features: int = 3, units: int = 4):
    """A two-way nn.LSTM, and its two directions as one-way ones with the same weights."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        whole = nn.LSTM(features, units, batch_first=True, bidirectional=True)
        ways = [nn.LSTM(features, units, batch_first=True) for _ in range(2)]
    for way, suffix in zip(ways, ("", "_reverse"), strict=True):
        way.load_state_dict({name: getattr(whole, name + suffix) for name in way.state_dict()})
    return whole, *ways


def show_both_ways() -> None:
    """In which order each of the two networks meets the frames of three clips, and where it is read out."""
    from labkit import plots

    lengths = (12, 7, 10)
    figure, axes = plots.figure(columns=2, height=1.6, sharey=True)
    for axis, title, turned in zip(axes[0], ("forwards", "backwards"), (False, True), strict=True):
        for clip, length in enumerate(lengths):
            axis.plot([-0.5, 11.5], [clip, clip], color="0.85", linewidth=9, solid_capstyle="butt")
            axis.plot([-0.5, length - 0.5], [clip, clip], color=plots.COLOURS[5], linewidth=9, solid_capstyle="butt")
            for frame in range(length):
                axis.text(frame, clip, str(length - frame if turned else frame + 1), fontsize=6.5, ha="center",
                          va="center")
            axis.plot(0 if turned else length - 1, clip, "o", color=plots.COLOURS[1], markersize=13, fillstyle="none")
        axis.set(title=f"{title}: the step at which it reads a frame", xlabel="frame of x", yticks=range(3),
                 ylim=(2.6, -0.6), xlim=(-0.6, 11.6))
    axes[0, 0].set(ylabel="clip")
    plots.show(figure, alt="The target of exercise 5.2: three clips of 12, 7 and 10 frames, each frame with the step "
                           "at which it is read. Forwards the steps count from the first frame on, and a ring marks "
                           "the last frame of each clip; backwards they count from the last frame of the clip, and the "
                           "ring is at its first. The padding behind the clips has no step.")


@exercise("5.2", names=("both_ways",), target=show_both_ways,
          hints=("Both vectors are read at a clip's last frame, by `last_of_padded` of section 5.2. The second network "
                 "gets the batch that your `turned` makes.",
                 "`torch.cat([..., ...], dim=1)` puts the two vectors of each clip side by side."),
          praise="It is what torch's own LSTM with `bidirectional=True` gives for packed sequences.")
def check_both_ways(both_ways):
    """Against nn.LSTM(bidirectional=True) on packed sequences, with the same weights."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    whole, forwards, backwards = halves()
    x, lengths = padded_clips(6, 2, 5, 1, seed=4)
    with torch.no_grad():
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        one, other = whole(packed)[1][0]
        every = torch.arange(len(x))
        straight = backwards(x)[0][every, lengths - 1]          # not turned at all
        flipped = backwards(x.flip(1))[0]                       # turned with its padding
        first, second = (way(batch)[0][:, -1] for way, batch in ((forwards, x), (backwards, turned_round(x, lengths))))
        answer = both_ways(forwards, backwards, x.clone(), lengths.clone())
        found = numbers(answer, "`both_ways(forwards, backwards, x, lengths)`")
        give = ("`turned` of exercise 5.1 is not correct yet. Solve that one first."
                if earlier_fails(both_ways, "turned", check_turned) else "Give it turned(x, lengths).")
        mirrored = turned_round(x, lengths)
        twice, swapped = (way(batch)[0][every, lengths - 1] for way, batch in ((forwards, mirrored), (backwards, x)))
        begun, ended = (backwards(batch)[0][:, 0] for batch in (mirrored, x))
        usual = (
            (torch.cat([other, one], 1), "The two halves have changed places. Expected the forward one first."),
            (one + other, "The two vectors are added. Expected them side by side: torch.cat([...], dim=1)."),
            (torch.cat([one, other], 0), "The vectors stand below each other. Expected side by side: dim=1."),
            (torch.cat([one, straight], 1),
             f"The second network reads forwards too. {give}"),
            (torch.cat([one, flipped[:, -1]], 1),
             f"The second network reads the padding first: x is turned with its padding. {give}"),
            (torch.cat([one, flipped[every, lengths - 1]], 1),
             f"The second network reads the padding first, and is read out within it. {give}"),
            (torch.cat([one, twice], 1), "Both halves use the first network. `backwards` has to read the clips that "
                                         "are turned."),
            (torch.cat([one, forwards(x)[0][every, lengths - 1]], 1),
             "Both halves use the first network, and it reads forwards twice. `backwards` has to read turned(x, "
             "lengths)."),
            (torch.cat([swapped, other], 1), "Both halves use the second network. `forwards` has to read x."),
            (torch.cat([swapped, twice], 1), "The two networks have changed places: `forwards` reads x, `backwards` "
                                             "the clips that are turned."),
            (torch.cat([one, begun], 1), "The second one is read at frame 0, after its first step. In turned(x, "
                                         "lengths) a clip ends at lengths - 1 as before: read it there."),
            (torch.cat([one, ended], 1), "The second one reads x forwards, and is read at frame 0, after one step. "
                                         "Give it turned(x, lengths), and read it at lengths - 1."),
            (torch.cat([first, second], 1), "Both are read at the last frame of the batch, for short clips in the "
                                            "padding. Read each clip at lengths - 1: last_of_padded does."),
            (torch.cat([one, second], 1), "The second one is read at the last frame of the batch, for short clips in "
                                          "the padding. Read it at lengths - 1: last_of_padded does."),
        )
        expect(found, torch.cat([one, other], 1), "`both_ways(forwards, backwards, x, lengths)`", usual, atol=1e-5,
               advice=give if "exercise" in give else "Compare the two halves with the target, one by one.")


LOSSES = (2.30, 2.05, 1.90, 1.94, 1.82, 1.85, 1.88, 1.83, 1.97, 1.80, 1.99)   # of the picture, patience 4


def show_losses() -> None:
    """Losses of eleven epochs, the epoch that is kept with patience 4, and the one after which it ends."""
    from labkit import plots

    figure, (axis,) = plots.figure(height=2.2)
    axis.plot(range(1, len(LOSSES) + 1), LOSSES, "--o", markersize=3)
    for epoch, words in ((5, "kept"), (9, "last")):
        axis.axvline(epoch, color=plots.COLOURS[6], linewidth=0.9, linestyle=":")
        axis.annotate(f"{words}: {epoch}", (epoch, 2.25), xytext=(4, 0), textcoords="offset points", fontsize=8.5)
    axis.set(xlabel="epoch", ylabel="validation loss", xticks=range(1, len(LOSSES) + 1))
    plots.show(figure, alt="The target of exercise 5.3: validation losses of eleven epochs. With a patience of 4 epoch "
                           "5, the lowest so far, is kept and epoch 9 is the last; the lower loss of epoch 10 is never "
                           "seen.")


def kept_and_end(losses, patience: int) -> tuple[int, int]:
    """What exercise 5.3 asks for."""
    from labkit.training import EarlyStopper

    stopper = EarlyStopper(patience)
    last = next((epoch for epoch, loss in enumerate(losses, start=1) if stopper.early_stop(loss, _Nothing())),
                len(losses))
    return stopper.best_epoch, last


def by_rule(losses, patience: int, is_better) -> tuple[int, int]:
    """The same by another rule, `is_better(loss, best, loss before)`."""
    best, before, kept, epoch = np.inf, np.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if is_better(loss, best, before):
            best, kept = min(loss, best), epoch
        if epoch - kept >= patience:
            break
        before = loss
    return kept, epoch


class _Nothing:
    """A model without weights."""

    def state_dict(self):
        """No weights."""
        return {}


@exercise("5.3", names=("kept_and_last",), target=show_losses,
          hints=("Two things may happen in an epoch: its loss is lower than the best so far, then it is the one to "
                 "keep; or `patience` epochs have passed since the one that is kept, then the loop ends.",
                 "`if loss < best:` renew both `best` and `kept`. `if epoch - kept >= patience: break`."),
          praise="Your rule is that of `EarlyStopper`, ties and the end of the list included.")
def check_kept_and_last(kept_and_last):
    """Against labkit's EarlyStopper, on the picture and on two hundred drawn lists; telling lists first."""
    rng = np.random.default_rng(0)
    cases = [((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0), 2), ((1.0, 3.0, 2.0, 3.0, 3.5, 4.0), 2),
             ((1.0, 1.0, 2.0, 3.0, 4.0), 2), (LOSSES, 4), ((2.0, 1.5, 1.0), 2), ((1.0, 2.0, 1.5, 0.5), 2), ((1.0,), 1),
             ((3.0, 2.0, 2.5, 2.2, 2.1, 2.05, 1.0), 4)]
    cases += [(tuple(np.round(rng.uniform(1, 2, 12), 2)), int(rng.integers(1, 5))) for _ in range(200)]
    for losses, patience in cases:
        what = f"`kept_and_last({[float(loss) for loss in losses]}, patience={patience})`"
        kept, last = kept_and_end(losses, patience)
        lowest = 1 + int(np.argmin(losses))
        usual = (
            *(((lowest, end), "The lowest of all losses is taken, also of those after the stop: epoch "
                              f"{last} was the last one.")
              for end in (last, len(losses), lowest + patience) if lowest != kept),
            (by_rule(losses, patience, lambda loss, best, before: True),
             "The last epoch is kept, though an earlier one was better. `best` has to be renewed together with `kept`, "
             "or every loss is lower than infinity."),
            (by_rule(losses, patience, lambda loss, best, before: loss < before),
             "Each loss is compared with the one before. What counts is whether it is lower than the best so far."),
            (by_rule(losses, patience, lambda loss, best, before: loss <= best),
             "A loss that equals the best counts as an improvement here. Only a lower one is: write < instead of <=."),
            ((kept - 1, last - 1), "The epochs are counted from 0. Expected the first one to be number 1."),
            ((kept - 1, last), "The kept epoch is counted from 0. Expected the first one to be number 1."),
            ((last, kept), "The two numbers have changed places. Expected the kept epoch first."),
            ((lowest, len(losses)), f"All losses are looked at, to the end of the list. Expected epoch {last} to be "
                                    "the last one: a training does not know the losses after its end."),
            ((kept, kept + patience + 1), "It waits one epoch too long. Expected it to end when `patience` epochs have "
                                          "passed since the one that is kept."),
        )
        usual = [(pair, why) for pair, why in usual if pair != (kept, last)]
        expect(kept_and_last(list(losses), patience), (kept, last), what, usual,
               advice=f"Expected in all: epoch {kept} kept, epoch {last} the last, since `patience` is {patience}.")
