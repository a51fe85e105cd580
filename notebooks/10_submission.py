# %% [markdown]
# # 10 The leaderboard
#
# The course ends with a competition: 375 clips without labels, and a file of predictions to be sent to Kaggle, which
# answers with a score. This lesson chooses a model, writes that file, and asks what the score is worth.
#
# **What we do.** We *choose* among the models of lessons 8 and 9, and measure how much of the choice is luck. We
# *write* the file `solution.txt` and check it. We *simulate* a leaderboard, to see how far its number can be trusted.
#
# **What we need.** Lesson 8, [mood](08_emotion.ipynb), and lesson 9b, [one network for three
# axes](09b_multitask.ipynb), whose networks are found or trained; about 60 minutes and 35 for the exercises, 1 GB of
# memory, and half a minute to run at the profile `ci` once those lessons have run.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
import numpy as np
import torch
from torch import nn

from labkit import plots
from labkit.datasets import AFFECT
from labkit.evaluation import mean_spearman
from labkit.lab import open_lab
from labkit.recipes import MOOD
from labkit.show import measured, say

opened = open_lab(profile)
lab, NAMES, note = opened.serving(MOOD)
MAIN = "CNN" if "CNN" in NAMES else NAMES[0]

# %% tags=["remove-input"]
own = lab is opened
folds = {kind: lab.folds(MOOD[kind]) for kind in NAMES}
clips = folds[MAIN][0][0].dataset.dataset
KINDS = [kind for kind in NAMES if folds[kind][0][0].dataset.dataset.ids == clips.ids]  # only these can be compared
truth, groups = clips.targets, np.asarray(clips.groups)
say(note + f" Labelled are {len(clips)} clips of {len(set(groups))} albums."
    + (" The beat-synchronous clips are not the same ones, so their networks are left "
       "out." if len(KINDS) < len(NAMES) else ""))

# %% [markdown]
# ## 10.1 The candidates
#
# Lessons 8 and 9b trained each network four times, each time without about a quarter of the albums, and predicted
# each labelled clip with the network that did not know its album. So there is an honest prediction of every labelled
# clip. The folds, the names and the settings are the same here, so the networks come from the cache. Beside them
# stands the linear model of the outlines, once for frames and once for beats, as far as the data have both. Left out
# is what those lessons tried beside these: networks transferred from genres, and other weights of the three losses.

# %%
from labkit.recipes import linear_predictions
from labkit.training import cross_validated

HEARD, found = {"CNN": "frames", "LSTM": "beats"}, {}
for kind in KINDS:
    recipe, settings = MOOD[kind], MOOD[kind].training(lab.profile)
    for axis in AFFECT:
        found[kind, axis] = cross_validated(f"{kind}, {axis}", lab.folds(recipe, axis),
                                            recipe.network, settings)
    if kind == MAIN:
        found[kind, "multitask"] = cross_validated(f"{kind}, multitask", folds[kind],
                                                   recipe.network, settings)

# %%
candidates = {f"{MAIN}, multitask": found[MAIN, "multitask"].predicted}  # (clips, 3)
for kind in KINDS:
    three = [found[kind, axis].predicted for axis in AFFECT]
    candidates[f"{kind}, one for each axis"] = np.stack(three, axis=1)
    candidates[f"linear model, {HEARD[kind]}"] = linear_predictions(folds[kind])

# %% [markdown]
# The competition's score is the mean of three [Spearman correlations](../book/glossary.md#spearman-correlation), of
# valence, energy and danceability. We look at that of each candidate, with the interval in which it would move with
# other albums.

# %%
from labkit.evaluation import bootstrap

scores = {name: bootstrap(mean_spearman, predicted, truth, groups=groups)
          for name, predicted in candidates.items()}
ranked = sorted(scores, key=lambda name: -scores[name].value)
best, second = ranked[:2]

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.45 * len(scores) + 0.9)
plots.intervals(axis, {name: scores[name] for name in ranked}, spec=".2f",
                label="mean Spearman correlation, cross-validated")
plots.show(figure, alt=f"Cross-validated mean Spearman correlation of {len(scores)} candidates with 95 % "
                       "intervals, the best on top: "
           + "; ".join(f"{name} {scores[name]:.2f}" for name in ranked))

# %% tags=["remove-input"]
from labkit.evaluation import compare

ahead = compare(mean_spearman, candidates[best], candidates[second], truth, groups=groups)
measured(own, estimate=scores[best].value, runner_up=scores[second].value)
say(f"The best of {len(scores)} is **{best}** with {scores[best]:.2f}; {second} follows with "
    f"{scores[second].value:.2f}. Compared clip by clip the two are {ahead.difference:.2f} apart: "
    + ("beyond the noise. " if ahead.is_beyond_noise else "inside the noise, so that which of them is better "
                                                          "stays open. ")
    + ("The winner is no network: with these clips and epochs none of them scores more than the linear model of "
       "the outlines. It goes to the leaderboard all the same, because the score decides and not the "
       "effort. " if best.startswith("linear") else "")
    + "Something has to be sent; we send the best one.")

# %% [markdown]
# ## 10.2 The best of several is in part a lucky one
#
# Each of these scores is its candidate's quality and some luck with these clips. Whoever takes the highest takes, as
# a rule, one whose luck was good, and its score then promises too much. This is the *optimism of the choice*. The
# epoch of each network did not suffer from it, since it was chosen on other clips (lesson 5). The choice between
# candidates does.
#
# We measure it. Half of the albums, drawn at random, choose the best candidate; the other half scores it. Of one
# fixed model the two halves would give the same on average. Of a chosen one they need not.

# %%
rng, albums = np.random.default_rng(0), np.unique(groups)
winners, promised, kept = [], [], []
for _ in range(300):
    half = np.isin(groups, rng.permutation(albums)[:len(albums) // 2])
    on_half = {name: mean_spearman(predicted[half], truth[half])
               for name, predicted in candidates.items()}
    winner = max(on_half, key=on_half.get)
    winners.append(winner)
    promised.append(on_half[winner])
    kept.append(mean_spearman(candidates[winner][~half], truth[~half]))
optimism = np.mean(promised) - np.mean(kept)

# %% tags=["remove-input"]
often = sorted(((winners.count(name), name) for name in candidates), reverse=True)
measured(own, optimism=optimism)
say(f"The choosing half promised {np.mean(promised):.3f} on average, and the other half kept {np.mean(kept):.3f}: "
    f"the optimism is **{optimism:.3f}**. Chosen were "
    + ", ".join(f"{name} {count} times" for count, name in often if count) + f", of {len(winners)}. "
    + ("Nearly always the same one: there was little to choose, and so little luck in the "
       "choice. " if often[0][0] > 270 else "The choice changes with the half. ")
    + "With all clips, twice as many, the scores have less noise and the choice less luck, so the estimate above "
      "is presumably too high "
    + ("by less than this." if optimism > 0 else "by hardly anything."))

# %% [markdown]
# The more candidates, the more luck. A handful is few. Whoever tries fifty settings and reports the best one has
# chosen from fifty, including those that never got a name. The cure is the one of this section: clips that took no
# part in the choice.

# %% [markdown]
# ## 10.3 Four models as one
#
# Of each candidate there are four, one from each fold. Which one predicts the test clips? All of them: none has met a
# test clip, and the mean of their answers, an [ensemble](../book/glossary.md#ensemble), costs nothing more. It is
# usually better than one of them. The error of a model has a part that all four share, such as what the input does
# not tell, and a part of its own, from its clips and its first weights. The mean keeps the shared part. The own parts
# partly cancel: with variance $v$ and a correlation $\rho$ between the errors of any two, the error of the mean of
# $m$ models has the variance
#
# $$v \left( \rho + \frac{1 - \rho}{m} \right)$$
#
# With $\rho = 1$ nothing is gained, with $\rho = 0$ four models have a quarter of the variance. `kaggle_submission`
# takes a model; so we make one out of several.

# %%
class Together(nn.Module):
    """Several models as one: `combine` makes one answer of their answers."""

    def __init__(self, models, combine):
        super().__init__()
        self.models, self.combine = nn.ModuleList(models), combine

    def forward(self, x, targets, lengths):
        return None, self.combine([model(x, None, lengths)[1] for model in self.models])

# %%
def average(answers):
    return torch.stack(answers).mean(dim=0)


def side_by_side(answers):
    return torch.stack(answers, dim=1)  # three times (B,) -> (B, 3)

# %% [markdown]
# The linear model is scikit-learn's and knows neither batches nor lengths. A small module hands it the outlines of
# each clip without its padding, so that it can stand among the others.

# %% tags=["hide-input"]
from labkit.recipes import linear_model, outlines


class Outlined(nn.Module):
    """A fitted linear model as a network: a padded batch in, (B, 3) out."""

    def __init__(self, fitted):
        super().__init__()
        self.fitted, self.place = fitted, nn.Parameter(torch.zeros(0))  # `predict` asks where a model's weights are

    def forward(self, x, targets, lengths):
        found = self.fitted.predict(outlines([(clip[:length],) for clip, length in zip(x, lengths)]))
        return None, torch.as_tensor(found, dtype=torch.float32)

# %%
four = {f"{MAIN}, multitask": found[MAIN, "multitask"].models}
hears = {f"{MAIN}, multitask": MAIN}
for kind in KINDS:
    by_fold = zip(*(found[kind, axis].models for axis in AFFECT))
    name, linear = f"{kind}, one for each axis", f"linear model, {HEARD[kind]}"
    four[name] = [Together(three, side_by_side) for three in by_fold]
    four[linear] = [Outlined(linear_model(train)) for train, _, _ in folds[kind]]
    hears[name] = hears[linear] = kind

# %% tags=["remove-input"]
from torch.utils.data import DataLoader

from labkit.evaluation import predict


def unlabelled(kind):
    """The test clips of a kind of input; where the data have none, the labelled ones."""
    folder = lab.folder(MOOD[kind])
    return lab.loaders(MOOD[kind])[2] if (folder.path / "test").is_dir() else DataLoader(
        folds[kind][0][0].dataset.dataset, 64, collate_fn=folds[kind][0][0].dataset.dataset.collate)


with_test = (lab.folder(MOOD[hears[best]]).path / "test").is_dir()
test = unlabelled(hears[best])
answers = np.array([predict(model, test)[0] for model in four[best]])  # (4, clips, 3)
agree = float(np.mean([np.corrcoef(answers[:, :, axis])[np.triu_indices(4, 1)] for axis in range(3)]))
measured(own, members_agree=agree)
say(("" if with_test else "These data have no test clips, so from here on their labelled clips stand in for them, "
                          "and what is written is good for nothing but practice. ")
    + f"On {'the' if with_test else 'these'} {len(test.dataset)} {'test ' * with_test}clips the predictions of any "
      f"two of the four {best} correlate by {agree:.2f} on average. "
    + ("They differ little, so their mean can be little better than one of them." if agree > 0.9 else
       "They agree in part only: what they do not share, the mean smooths away.")
    + (" How much of it is error, the test clips without labels do not tell." if with_test else ""))

# %% [markdown]
# ## 10.4 The file
#
# `kaggle_submission` predicts all clips of the test part and writes one line for each, in the order of the dataset,
# whatever the order of the loader. The file appears beside this notebook, never among the data.

# %%
from labkit.submission import kaggle_submission, validate_submission

file = kaggle_submission(Together(four[best], average), test, "solution.txt")
sent = validate_submission(file, test.dataset.ids)
print(*file.read_text().splitlines()[:4], "...", sep="\n")
print(len(sent.ids), "clips.", *sent.notes)

# %% [markdown]
# The form has changed over the years, so look at the competition's own page first. `kaggle_submission` writes each
# form, by `header=` and `ids="bare"` or `"suffixed"`:
#
# | | in one year | in others |
# |---|---|---|
# | first line | `Id.fused.full.npy.gz,valence,energy,danceability` | `Id,valence,energy,danceability` |
# | a line, bare | `1042,0.51,0.73,0.44` | `1042,0.51,0.73,0.44` |
# | a line, suffixed | `1042.fused.full.npy.gz,0.51,0.73,0.44` | `1042.fused.full.npy.gz,0.51,0.73,0.44` |
#
# Kaggle goes by the ids, so the order of the lines is free. It refuses a file with other columns, with a clip
# missing, unknown or twice, or with something that is no number. So we check first. We break the file in three ways
# and read what `validate_submission` says.

# %%
from labkit.submission import SubmissionError

lines = file.read_text().splitlines()
broken = {"semicolons": [line.replace(",", ";") for line in lines],
          "one clip twice, one missing": [*lines[:-1], lines[1]],
          "a network that diverged": [*lines[:-1], f"{sent.ids[-1]},nan,nan,nan"]}
damaged = file.with_name("damaged.txt")
for what, changed in broken.items():
    damaged.write_text("\n".join(changed) + "\n")
    try:
        validate_submission(damaged, sent.ids)
    except SubmissionError as error:
        say(f"- **{what}**: {error}")
damaged.unlink()

# %% [markdown]
# It also refuses an axis on which all predictions are alike, which has no order to be scored. What no check can find:
# numbers in the wrong column, or beside the wrong clip. Then the file is in order and the score is not; where the
# clips are mixed up it falls to about 0. A score far below one's own estimate is looked for there first. Numbers
# outside $[0, 1]$ are allowed, and harmless: a rank correlation sees their order alone.

# %% [markdown]
# ## 10.5 Listen before you send
#
# The last check is by ear. We play the test clips with the lowest and the highest energy in our file. They should
# differ in the right direction. If they do not, look for columns or clips that have changed places.

# %% tags=["hide-input"]
from dataclasses import replace

from labkit.show import listen

piece = lab.composed_pieces()[0] if lab.root is None else None  # with another id it is another composed clip
recordings = [replace(piece, id=clip) for clip in sent.ids] if piece else lab.recordings()
playable = {one.id.lstrip("0"): one for one in recordings if not one.is_fallback}
order = [place for place in np.argsort(sent.values[:, 1]) if sent.ids[place].lstrip("0") in playable]
if len(order) < 2:
    say("These data hold no sound of the test clips, so there is nothing to play here.")
else:
    for place, word in ((order[0], "lowest"), (order[-1], "highest")):
        listen(playable[sent.ids[place].lstrip("0")].sound(8), f"lesson_10_{word}",
               f"the {word} energy in our file: clip {sent.ids[place]}, predicted {sent.values[place, 1]:.2f}")

# %% [markdown]
# ## 10.6 The score
#
# While a competition runs, everyone sees the **public** score, on a fixed part of the test clips that nobody is told;
# here it is 30 %, 112 of the course's 375. What decides in the end is the **private** score, on the other 70 %.
# `leaderboard` does both, where the labels of the test clips are known.

# %% tags=["remove-input"]
from pathlib import Path
from tempfile import TemporaryDirectory

from labkit.datasets import read_label_file

held, folder = lab.composed / "truth" / "multitask_test.csv" if lab.root is None else None, TemporaryDirectory()
known = held is not None and len(sent.ids) >= 7
if not known:
    for name, values in (("solution.txt", candidates[best]), ("labels.csv", truth)):
        rows = [",".join([clip, *(f"{value:.9g}" for value in row)]) for clip, row in zip(clips.ids, values)]
        (Path(folder.name) / name).write_text("\n".join([",".join(["Id", *AFFECT]), *rows]) + "\n")
sent_file, labels_file = (file, held) if known else (Path(folder.name) / one for one in ("solution.txt", "labels.csv"))
say("These test clips were composed, and their labels lie beside the corpus, outside the folders that the lessons "
    "read." if known
    else ("There are fewer than seven test clips, too few to score. " if held is not None else
          "Nobody but the competition has the labels of these test clips. " if with_test else
          "There are no test clips to be scored. ")
    + "So this section plays the leaderboard with the labelled clips and their cross-validated predictions: 30 % "
      "of them are public. It is then no test of the estimate above, which rests on the same clips.")

# %%
from labkit.submission import leaderboard

board = leaderboard(sent_file, labels_file)
print(board)

# %% tags=["remove-input"]
estimate, public, private = scores[best], board.public, board.private
inside = estimate.low <= public.mean <= estimate.high
# The standard error of the estimate is about a quarter of its interval.
gap, noise = public.mean - estimate.value, np.hypot((estimate.high - estimate.low) / 3.92, public.error)
measured(own and known, public=public.mean, private=private.mean)
lines = [f"Our own estimate was {estimate:.2f}. The public score is **{public.mean:.2f}**, "
         + (f"{'inside' if inside else 'outside'} that interval" if known else "of clips that the estimate holds too")
         + f"; the private one, which decides, is **{private.mean:.2f}**."]
if known and np.isfinite(noise):
    lines.append("That interval is the noise of our own clips. The public part has noise too, a standard error of "
                 f"{public.error:.2f} with {public.clips} clips. A difference of {gap:+.2f} between the two is "
                 f"{abs(gap) / noise:.1f} times its own standard error, "
                 + ("no more than luck explains." if abs(gap) < 2 * noise else
                    "more than luck alone explains as a rule, so look for a reason in the list below."))
elif not np.isfinite(public.error):
    lines.append(f"With {public.clips} public clips there is no standard error worth the name.")
say(" ".join(lines))

# %% [markdown]
# A leaderboard and one's own estimate never agree to the digit. These are the reasons, whose sizes differ from case
# to case:
#
# - **30 % of the set.** The public score rests on few clips, and moves by its standard error with the draw.
# - **Other albums.** The test clips are another draw of music. Both scores have that noise.
# - **Four instead of one.** The estimate is of single models; what we sent is their mean. That score should be
#   higher.
# - **Fewer labelled clips.** Each of the four had three quarters of the labelled clips, and a part of these is set
#   aside for the choice of the epoch. One trained on all of them would be a little better, and could no longer be
#   scored.
# - **Pooled folds.** The estimate ranks clips of four models together, whose middles differ a little. That costs it
#   something.
# - **One split.** The report estimated on a single held-out part. Another split would have given another number,
#   within the noise of about 225 clips. We hold out each clip once.
# - **The choice**, of the model (section 10.2) or of the epoch on the very clips that are reported, as in one of the
#   public repositories with the best figures: that estimate is too high, and the leaderboard disappoints.
# - **Dropout left on.** Without `model.eval()` dropout disturbs each prediction, and batch normalisation makes it
#   hang on the other clips of the batch. The file is then worse than the model. `kaggle_submission` sees to it.

# %% tags=["remove-input"]
if known:
    labels = read_label_file(held)
    truths = np.array([labels[clip] for clip in test.dataset.ids])
    alone, joined = [mean_spearman(one, truths) for one in answers], mean_spearman(answers.mean(axis=0), truths)
    finals = {name: mean_spearman(predict(Together(four[name], average), unlabelled(hears[name]))[0], truths)
              for name in candidates}
    top = max(finals, key=finals.get)
    measured(own, four_alone=float(np.mean(alone)), four_together=joined)
    say(f"Since the truth lies here, we may look at what a competition hides. On all {len(truths)} test clips the "
        f"four models of {best} score {np.mean(alone):.3f} on average, each alone, and their mean {joined:.3f}: "
        "the ensemble "
        + ("gained" if joined > np.mean(alone) else "did not gain") + ". "
        + ("And the choice was right: of all candidates it is the best here too, with "
           f"{finals[best]:.2f}." if top == best else
           f"Best here would have been {top} with {finals[top]:.2f}, where our choice has {finals[best]:.2f}; "
           "nothing before this cell could tell us, and nothing in a real competition would."))

# %% [markdown]
# ## 10.7 How far to trust 112 clips
#
# Nobody sees the luck in a single public score. We can, by drawing the public part many times, from our labelled
# clips and their cross-validated predictions: at most 375 clips as in the course, of which 30 % are public and the
# rest private. We do it for the best candidate and the runner-up, with the same clips for both.

# %%
from labkit.submission import PUBLIC

drawn = np.empty((400, 2, 2))  # draws, (best, runner-up), (public, private)
for draw in drawn:
    order = rng.permutation(len(truth))[:375]
    cut = round(PUBLIC * len(order))
    for model, name in enumerate((best, second)):
        for part, rows in enumerate((order[:cut], order[cut:])):
            draw[model, part] = mean_spearman(candidates[name][rows], truth[rows])
spread = drawn.std(axis=0)

# %% [markdown]
# On the left, how the two scores of the best candidate are distributed over the draws; nothing changes between them
# but the clips. On the right, by how much it beats the runner-up in public. Left of zero the leaderboard shows the
# wrong winner.

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=2, height=2.6)
bins = np.linspace(drawn[:, 0].min(), drawn[:, 0].max(), 36)
for part, name, colour in ((1, "private", plots.COLOURS[0]), (0, "public", plots.COLOURS[1])):
    heights, edges = np.histogram(drawn[:, 0, part], bins)
    axes[0, 0].stairs(heights, edges, color=colour, fill=True, alpha=0.35)
    axes[0, 0].stairs(heights, edges, color=colour)
    axes[0, 0].plot([], [], color=colour, linewidth=5, alpha=0.6,
                    label=f"{name}, {cut if name == 'public' else len(order) - cut} clips")
axes[0, 0].axvline(scores[best].value, color="black", linewidth=1, linestyle=":", label="all clips")
axes[0, 0].set(xlabel="mean Spearman correlation", ylabel="draws", title=best,
               ylim=(0, 1.5 * axes[0, 0].get_ylim()[1]))  # room for the legend
axes[0, 0].legend(loc="upper left", fontsize=8)
lead = drawn[:, 0, 0] - drawn[:, 1, 0]
edges = np.linspace(-np.abs(lead).max(), np.abs(lead).max(), 31)  # 0 is an edge: each bar lies on one side of it
for side, colour in ((lead < 0, plots.COLOURS[1]), (lead >= 0, plots.COLOURS[0])):
    axes[0, 1].hist(lead[side], edges, color=colour)
axes[0, 1].axvline(0, color="black", linewidth=1)
axes[0, 1].set(xlabel="public score, best minus runner-up", ylabel="draws", title="the lead over the runner-up")
fooled = float(np.mean(lead < 0))
axes[0, 1].annotate(f"wrong winner:\n{fooled:.0%} of draws", (0.02, 0.98), xycoords="axes fraction", va="top",
                    fontsize=8.5, color=plots.COLOURS[1])
plots.show(figure, alt=f"Two histograms of {len(drawn)} draws. Left: the public score of {best} spreads with a "
                       "standard deviation of "
                       f"{spread[0, 0]:.3f} about {drawn[:, 0, 0].mean():.2f}, the private one with "
                       f"{spread[0, 1]:.3f}. "
                       f"Right: the lead over {second} in public, below zero in {fooled:.0%} of the draws.")

# %% tags=["remove-input"]
from labkit.evaluation import resampled

apart = np.abs(drawn[:, 0, 0] - drawn[:, 0, 1])
turned = np.mean((drawn[:, 0] - drawn[:, 1])[:, 0] * (drawn[:, 0] - drawn[:, 1])[:, 1] < 0)
error = resampled(mean_spearman, candidates[best], truth).std() * np.sqrt(len(truth) / 112)
measured(own, public_spread=spread[0, 0], private_spread=spread[0, 1], wrong_winner=fooled, error_of_112=error)
say(f"With {cut} public clips the public score has a standard deviation of **{spread[0, 0]:.3f}** over the draws "
    f"and the private one, of {len(order) - cut} clips, {spread[0, 1]:.3f}. The two are {np.median(apart):.2f} "
    f"apart in the median draw, and more than {np.quantile(apart, 0.95):.2f} in one of twenty. The better of the "
    f"two candidates has the lower public score in **{fooled:.0%}** of the draws, and in {turned:.0%} public and "
    f"private name different winners.\n\n"
    + ("In these draws only the parts change, not the clips. A leaderboard of *other* clips of the same kind moves "
       "more. Its" if len(truth) <= 375 else "The")
    + " standard error for 112 clips, by the bootstrap "
    f"over ours, is about {error:.3f} for a model such as this one, if it falls with the root of the number of "
    "clips and each clip counts by itself.")

# %% [markdown]
# **The report's score.** The report's multitask network had 0.715 by its own estimate and **0.74187** on the public
# leaderboard. Is that a difference? We have none of its predictions, but an approximation for the standard error of a
# Spearman correlation $r$ of $n$ clips, by [Bonett and Wright](../book/bibliography.md#bonett2000):
#
# $$(1 - r^2) \, \sqrt{\frac{1 + r^2 / 2}{n - 3}}$$
#
# It takes the clips as independent draws of something not far from a normal distribution. For the mean of three axes
# we need one more assumption: how the errors of the axes go together. They lie between *not at all* and *completely*,
# and we compute both.

# %%
def error_of_mean(axes, clips):
    """Standard error of the mean of the correlations: axes independent, axes identical."""
    r = np.array(axes)
    errors = (1 - r**2) * np.sqrt((1 + r**2 / 2) / (clips - 3))
    return np.array([np.linalg.norm(errors) / len(r), errors.mean()])


published = 0.619, 0.766, 0.759  # the report's own estimate, axis by axis
on_public = error_of_mean(published, 112)
on_held = error_of_mean(published, 225)  # a fifth of the 1122 labelled clips
noise = np.hypot(on_public, on_held)

# %% tags=["remove-input"]
reported, other, difference = 0.74187, 0.71990, 0.74187 - np.mean(published)
say(f"The public score has a standard error between {on_public[0]:.3f} and {on_public[1]:.3f}, the estimate, taken "
    f"to be of 225 clips, between {on_held[0]:.3f} and {on_held[1]:.3f}, and their difference between "
    f"{noise[0]:.3f} and {noise[1]:.3f}. The difference is {difference:.3f}, {difference / noise[0]:.1f} standard "
    "errors at most. It needs no explanation by dropout or by the model; the number of clips is enough.\n\nThe "
    "other public score that we found, "
    f"{other:.5f}, lies {reported - other:.3f} below it. For two unrelated scores of 112 clips that is "
    f"{(reported - other) / (np.sqrt(2) * on_public[0]):.1f} standard errors at most. If both had the same public "
    "clips their noise is partly shared, which would make the difference count for more; how much, their "
    "predictions would tell. Five decimals on a leaderboard are no measure of what is known.")

# %% [markdown]
# ## 10.8 Climbing the leaderboard
#
# A leaderboard may be asked again and again. Suppose somebody has no better idea than chance: two hundred times the
# file is changed a little at random, and the change is kept when the public score rises. Nothing is learned about
# music. What do the two scores do?

# %%
def climb(predicted, public, private, tries=200, size=0.1, seed=0):
    """Public and private score (tries + 1, 2) of the best file so far, changed at random."""
    rng, step = np.random.default_rng(seed), size * predicted.std(axis=0)
    file = predicted
    curve = [[mean_spearman(file[part], truth[part]) for part in (public, private)]]
    for _ in range(tries):
        changed = file + step * rng.normal(size=file.shape)
        score = mean_spearman(changed[public], truth[public])
        if score > curve[-1][0]:
            file, hidden = changed, mean_spearman(changed[private], truth[private])
        curve.append([score, hidden] if file is changed else curve[-1])
    return np.array(curve)

# %%
climbs = []
for seed in range(6):  # six competitions, each with another public part
    order = np.random.default_rng(seed).permutation(len(truth))[:375]
    climbs.append(climb(candidates[best], order[:cut], order[cut:], seed=seed))
climbs = np.array(climbs)

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.8)
middle = climbs.mean(axis=0)
for part, name in enumerate(("public", "private")):
    axis.plot(climbs[:, :, part].T, color=plots.COLOURS[1 - part], linewidth=0.6, alpha=0.45)
    axis.plot(middle[:, part], color=plots.COLOURS[1 - part], linewidth=2.2)
    axis.annotate(f"{name} {middle[-1, part]:.2f}", (len(middle), middle[-1, part]), va="center", fontsize=8.5,
                  color=plots.COLOURS[1 - part])
axis.set(xlabel="submission", ylabel="mean Spearman correlation", xlim=(0, 1.14 * len(middle)))
plots.show(figure, alt=f"Public and private score of the best file so far over {len(middle) - 1} random changes, "
                       f"{len(climbs)} competitions and their means. Public goes from {middle[0, 0]:.2f} to "
                       f"{middle[-1, 0]:.2f} and private from {middle[0, 1]:.2f} to {middle[-1, 1]:.2f}.")

# %% tags=["remove-input"]
rise, fall = middle[-1] - middle[0]
measured(own, climbed_public=rise, climbed_private=fall)
say(f"On average over {len(climbs)} such competitions, with {cut} public clips each, the public score goes from "
    f"{middle[0, 0]:.2f} to {middle[-1, 0]:.2f} and the private one from {middle[0, 1]:.2f} to "
    f"{middle[-1, 1]:.2f}. "
    + ("The public score climbs by noise that happens to fit its clips. On the others the same noise only "
       "disturbs." if rise > 0.02 and fall < 0 else "With so few clips the curves show little but luck.")
    + " Each accepted change told a little about the public labels, and nothing about music.")

# %% [markdown]
# This is overfitting with the leaderboard as the training set. [Blum and Hardt](../book/bibliography.md#blum2015)
# describe it and a remedy, the *Ladder*: a leaderboard that shows a new score only when it is better by a clear step,
# so that small lucky gains tell nothing. Kaggle limits the number of submissions a day instead and keeps the private
# part secret. Few people climb by pure chance: in over a hundred competitions on Kaggle [Roelofs et
# al.](../book/bibliography.md#roelofs2019) found little overfitting of this kind. With as few public clips as here
# there is more room for it.
#
# The rule that follows is short. Choose by your own cross-validation. Look at the leaderboard to see that nothing is
# broken, and not to choose.

# %% [markdown]
# ## 10.9 The real one
#
# This lesson sends nothing. To take part, put the course's data into a folder, name it by `LAB_DATA`, run the lessons
# at the profile `full`, and look at `solution.txt`. Then there are two ways.
#
# **By hand.** Open the competition's page, join it and accept its rules, choose *Submit*, and drop the file there.
# Nothing needs to be installed.
#
# **By a line of code.** It needs the package `kaggle` and a token of your own from the settings of your account. A
# token is a password: it belongs into the environment variable `KAGGLE_API_TOKEN` or into a file of your home folder,
# never into a notebook that you hand in.
#
# ```python
# from labkit.submission import upload
#
# print(upload("solution.txt", "name-of-the-competition", "multitask CNN, mean of four folds"))
# ```
#
# `upload` checks the file first. Each submission counts against a daily limit that stands on the competition's page,
# and after the end most competitions show a score still and rank it no more. Write a message that tells you in a
# month what was sent.
#
# **What not to do.** The genre clips of the course are public tracks of the Free Music Archive, and a table of its
# metadata, `echonest.csv`, holds valence, energy and danceability of many of its tracks. Where the mood clips come
# from there too, one could look the answers up. That is cheating: against the rules, and against those who did not.
# It is also of no use. The score would be near 1 and say nothing about any model, no mistake would show, and on music
# that stands in no table one would have nothing. The same holds for training on the test clips with such labels.

# %% [markdown]
# ## Exercises
#
# The lines of a submission by hand, the mean of several models by their ranks, and how often a leaderboard names the
# wrong winner. `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 10.1 · The lines of a file** (10 minutes).
#
# Write `solution_lines(ids, predictions, header, suffix)`: the lines of a submission as a list of strings, without
# line feeds. The ids are strings and may come with an ending, such as `1042.beatsync.fused.npy.gz`; what counts is
# what stands before the first dot, and behind it the file has `suffix`, which may be empty. `predictions` (N, 3)
# belong to the ids in their order. First comes a line with `header` and the three axes, then the clips by their
# *number*, 9 before 10, so that two files can be laid side by side. Give each number to six decimals or more: coarser
# ones make clips equal that were not.
#
# *Solved when* the lines hold the right ids in the right order, and numbers that differ from those given by at most
# one millionth.

# %%
target("10.1")

# %% tags=["exercise"]
# Exercise 10.1
def solution_lines(ids, predictions, header="Id", suffix=""):
    """The lines of a submission: header first, then one for each clip, by number."""
    bare = [name.split(".")[0] for name in ids]  # solution
    lines = [",".join([header, *AFFECT])]
    # solution: begin
    for place in sorted(range(len(bare)), key=lambda place: int(bare[place])):
        numbers = [f"{value:.6f}" for value in predictions[place]]
        lines.append(",".join([bare[place] + suffix, *numbers]))
    # solution: end
    return lines

# %% tags=["check"]
check("10.1")

# %% [markdown]
# **Exercise 10.2 · Ranks instead of values** (10 minutes).
#
# In a mean of values a model whose predictions spread widely has the last word, however good it is. Since only the
# order is scored, the *ranks* can be averaged instead. Write `blend(predictions)` for a list of arrays (N, 3), N at
# least 2, one array a model: on each axis the ranks of the clips within the model, scaled so that the lowest possible
# rank is 0 and the highest possible one is 1, averaged over the models. Equal values share their mean rank;
# `rankdata` of scipy does that.
#
# *Solved when* it agrees with ours to one part in a million, for one to three models, with equal values and without.
# Below, two models and their blend.

# %%
target("10.2")

# %% tags=["exercise"]
# Exercise 10.2
from scipy.stats import rankdata


def blend(predictions):
    """The mean over models of each axis's ranks (N, 3), from 0 to 1."""
    # solution: begin
    ranks = np.array([rankdata(one, axis=0) for one in predictions])
    scaled = (ranks - 1) / (ranks.shape[1] - 1)
    # solution: end
    return scaled.mean(axis=0)  # solution

# %% tags=["check"]
check("10.2")

# %% [markdown]
# Once it is correct, `mean_spearman(blend(list(candidates.values())), truth)` is the score of all candidates
# together. If it beats the best one, remember that it is one more candidate (section 10.2), and test it there.

# %% [markdown]
# **Exercise 10.3 · The wrong winner** (15 minutes).
#
# Write `chance_to_be_fooled(a, b, truth, share, draws, seed)`. `a` and `b` are the predictions (N, 3) of two models.
# Each draw makes `round(share * N)` clips public, without repetition, the same for both models. Give the share of the
# draws in which the model with the higher `mean_spearman` on *all* clips has the lower one in public. Which of the
# two is the better one, the function finds out itself.
#
# *Solved when* it agrees with thousands of our draws to about a tenth, is 0 where all clips are public, and the seed
# decides the draws. Below, how the chance falls with the share, for two models that are nearly alike.

# %%
target("10.3")

# %% tags=["exercise"]
# Exercise 10.3
def chance_to_be_fooled(a, b, truth, share=0.3, draws=400, seed=0):
    """The share of draws of a public part in which the better model is the worse one."""
    rng, clips = np.random.default_rng(seed), len(truth)
    if mean_spearman(b, truth) > mean_spearman(a, truth):
        a, b = b, a  # from here on, a is the better one
    fooled = 0
    for _ in range(draws):
        # solution: begin
        rows = rng.permutation(clips)[:round(share * clips)]
        fooled += mean_spearman(a[rows], truth[rows]) < mean_spearman(b[rows], truth[rows])
        # solution: end
    return fooled / draws

# %% tags=["check"]
check("10.3")

# %% [markdown]
# Once it is correct, `chance_to_be_fooled(candidates[best], candidates[ranked[-1]], truth)` does it for the best and
# the last candidate.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** Two days before the end, model A has 0.712 in public and model B 0.728, on 112 clips. In
# cross-validation over 1122 clips A has 0.731 and B 0.705, beyond the noise. One may be chosen for the private score.
# Which?
#
# - a) B: the leaderboard uses the real test clips.
# - b) A: ten times as many clips speak for it.
# - c) The mean of both scores decides.
#
# <details><summary>Answer</summary>
#
# **b)** A public lead of 0.016 is well inside the noise of 112 clips, and the comparison on 1122 is not. That the
# public clips are real test clips does not help: the private ones are others. A mean of both scores would give ten
# clips of one's own the weight of one.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** Which of these changes to a file changes its score?
#
# - a) 0.3 is added to all predictions of energy.
# - b) All predictions, which are positive, are squared.
# - c) All predictions are rounded to one decimal.
#
# <details><summary>Answer</summary>
#
# **c)** Spearman's correlation sees the order of the clips on each axis. Adding a number or squaring positive ones
# keeps it. Rounding to one decimal makes clips equal whose order was known, and they then share their mean rank.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** Four networks of equal quality are averaged. When does the mean gain most over one of them?
#
# - a) When their errors have little to do with each other.
# - b) When their predictions are nearly the same.
# - c) When one of them is much surer than the others.
#
# <details><summary>Answer</summary>
#
# **a)** What all four get wrong in the same way stays wrong in the mean; only what each gets wrong in its own way
# cancels. Nearly equal predictions have nothing to cancel, and one that spreads widely makes the mean follow it
# alone.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 9)" is number 9 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **The estimate is of clips that were trained on.** It is then far above the leaderboard (mistake 9), and so it is
#   when the split is drawn again between training and scoring (mistake 10).
# - **The estimate is a mean over batches.** The leaderboard scores all clips at once (mistake 2).
# - **A shuffled loader**, its predictions written beside ids in another order. The score falls to about 0.
# - **`drop_last=True`** on the test loader: the last clips have no line, and the file is refused.
# - **One number for all clips**, from a network whose last layer has a softmax (mistake 12) or whose loss was
#   broadcast (mistake 1): there is no order to score, or nearly none.
# - **`model.eval()` forgotten** before predicting: two runs give two files.
# - **Choosing by the public score.** Section 10.8 shows what it buys.
#
# ## Take-away
#
# 1. Choose by your own cross-validation, and remember that the best of several is in part a lucky one.
# 2. A public score of 112 clips is good to some hundredths. Differences below that name no winner.
# 3. Check the file before you send it, and the model before you believe the score.
#
# **Next:** what have the networks made of a clip before their last layer? [Lesson 11](11_latent_spaces.ipynb).
