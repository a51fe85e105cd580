# %% [markdown]
# # 6 How good is it, and how sure are we?
#
# Four networks have learned in lesson 5. One number each, the accuracy, makes them easy to rank and hides most of what
# they do. This lesson opens that number: which genres are found, which are never answered, and which differences between
# the networks are more than luck.
#
# **What we do.** We *compute* precision, recall and F1 by hand from a confusion matrix. We *compare* averages that
# disagree, and find out why. We *test* whether one network is better than another.
#
# **What we need.** Lesson 5, [the LSTM](05_lstm_genre.ipynb), whose networks are found or trained; about 50 minutes to read and try,
# a minute to run, 1 GB of memory.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from functools import partial

import numpy as np

from labkit import plots
from labkit.evaluation import predict
from labkit.lab import open_lab
from labkit.recipes import GENRE
from labkit.show import measured, say
from labkit.training import trained

lab = open_lab(profile)

# %% tags=["remove-input"]
say(lab.note("genre", "genre_beat", "chroma_beat"))

# %%
INPUTS = ["LSTM, mel", "LSTM, beat-synchronous mel", "LSTM, chroma", "LSTM, mel and chroma"]
predicted, truths, groups, classes = {}, {}, {}, []
for name in INPUTS:
    recipe = GENRE[name]
    train, val, test = lab.loaders(recipe)
    model, _ = trained(name, partial(recipe.network, train), train, val, recipe.training(lab.profile))
    outputs, truths[name] = predict(model, test)
    predicted[name], groups[name] = outputs.argmax(axis=1), test.dataset.groups
    classes = list(test.dataset.label_transformer.classes_)

# %% [markdown]
# ## 6.1 The confusion matrix
#
# A classifier's answers on the test clips fit into one table: a row for each true genre, a column for each answer, and in
# each cell the number of clips. What lies on the diagonal is right. We look at the beat-synchronous LSTM first. Which
# column is the fullest? Is there an empty one?

# %%
NAME = "LSTM, beat-synchronous mel"
truth, answer = truths[NAME], predicted[NAME]
matrix = np.zeros((len(classes), len(classes)), dtype=int)
for row, column in zip(truth, answer):
    matrix[row, column] += 1

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.36 * len(classes) + 1.2)
plots.confusion(axis, matrix, classes, title=NAME)
right = matrix.diagonal().sum()
plots.show(figure, alt=f"Confusion matrix of {len(classes)} genres and {matrix.sum()} test clips; {right} lie on the diagonal.")

# %% tags=["remove-input"]
columns = matrix.sum(axis=0)
empty = [genre for genre, count in zip(classes, columns) if not count]
fullest = classes[columns.argmax()]
say(f"{right} of {matrix.sum()} clips lie on the diagonal: an **accuracy** of {right / matrix.sum():.1%}. The fullest column is "
    f"**{fullest}** with {columns.max()} answers, for {matrix[columns.argmax()].sum()} clips that are. "
    + (f"Never answered: {', '.join(empty)}." if empty else "Every genre is answered at least once."))

# %% [markdown]
# ## 6.2 Two questions about a genre
#
# For one genre, say Rock, there are two different questions. Of the clips that the network *calls* Rock, how many are?
# That is the **precision**: the diagonal cell over its column. Of the clips that *are* Rock, how many does it find? That is
# the **recall**: the diagonal cell over its row. Their harmonic mean is **F1**, which is low when one of the two is:
#
# $$P = \frac{TP}{TP + FP}, \qquad R = \frac{TP}{TP + FN}, \qquad F_1 = \frac{2 P R}{P + R} = \frac{2\,TP}{2\,TP + FP + FN}$$
#
# $TP$ are the hits, $FP$ the clips wrongly called so, $FN$ those that were missed. A genre that is never answered has no
# precision, 0 divided by 0; by convention it counts as 0, and so does its F1.

# %%
def share(part, whole):
    """part / whole, and 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


hits = matrix.diagonal()
precision = share(hits, matrix.sum(axis=0))
recall = share(hits, matrix.sum(axis=1))
f1 = share(2 * hits, matrix.sum(axis=0) + matrix.sum(axis=1))

# %%
from sklearn.metrics import precision_recall_fscore_support

theirs = precision_recall_fscore_support(truth, answer, labels=range(len(classes)), zero_division=0)
assert np.allclose([precision, recall, f1], theirs[:3])

from labkit.evaluation import report

print(report(answer, truth, classes))

# %% [markdown]
# By hand and by scikit-learn it is the same; `report` prints all of it. Read the table row by row, not only its end. A genre
# with a high recall and a low precision is one that the network answers too readily.
#
# **Where precision matters more.** A radio station fills its jazz hour with what the network calls jazz: each false one is
# heard, a missed one is not. **Where recall matters more.** An archive looks for every recording of a vanished style, and
# somebody listens to what is found: a false one costs a minute, a missed one is lost.

# %% [markdown]
# ## 6.3 Three averages
#
# To have one number again, the genres' F1 are averaged, in three ways.
#
# - **Macro**: the plain mean over the genres. A rare genre counts as much as a frequent one.
# - **Weighted**: the mean with each genre counted by its clips.
# - **Micro**: hits, false ones and misses of all genres are added up first. With one answer a clip, each wrong clip is one
#   false hit for the answered genre and one miss for the true one. So $FP = FN$ in total, and precision, recall, F1 and
#   *accuracy* are the same number.

# %%
support = matrix.sum(axis=1)
wrong = matrix.sum() - hits.sum()
micro = 2 * hits.sum() / (2 * hits.sum() + wrong + wrong)
macro = f1[(support > 0) | (matrix.sum(axis=0) > 0)].mean()
weighted = np.average(f1, weights=support)
print(f"accuracy {hits.sum() / matrix.sum():.3f}   micro {micro:.3f}   macro {macro:.3f}   weighted {weighted:.3f}")

# %% tags=["remove-input"]
measured(True, accuracy=micro, macro_f1=macro, weighted_f1=weighted)
parts_ = "Here they part" if abs(micro - macro) > 0.03 else "Here they are close"
say(f"{parts_}: micro, which is the accuracy, is {micro:.2f}, macro {macro:.2f}. When micro lies above macro, the frequent "
    "genres are recognised better than the rare ones; when it lies below, it is the other way round. Averages that agree say "
    "only that neither side is favoured, not that all is well.")

# %% [markdown]
# A network that answers the most frequent genre, always, shows the extreme. Its accuracy is that genre's share; its macro F1
# is next to nothing, since all other genres have F1 = 0.

# %%
from labkit.evaluation import accuracy, macro_f1

always = np.full(len(truth), support.argmax())
print(f"always {classes[support.argmax()]}: accuracy {accuracy(always, truth):.3f}, macro F1 {macro_f1(always, truth):.3f}")

# %% [markdown]
# This is why an accuracy alone can mislead. The report that this lab was made from calls accuracy trustworthy on its data,
# where four to seven of the ten genres have an F1 of 0.00 in the tables of its LSTMs. We look at ours.

# %% tags=["remove-input"]
reports = {name: report(predicted[name], truths[name], classes) for name in INPUTS}
for name, one in reports.items():
    lost = [each.name for each in one.per_class if each.support and not each.f1]
    say(f"- **{name}**: accuracy {one.accuracy:.1%}, macro F1 {one.macro.f1:.2f}; "
        + (f"F1 = 0.00 for {len(lost)} of {len(classes)}: {', '.join(lost)}." if lost else "no genre with F1 = 0.00."))

# %% [markdown]
# ## 6.4 How sure are we?
#
# The test clips are a draw: other albums would have given other numbers. The [bootstrap](../book/glossary.md)
# ([Efron](../book/bibliography.md#efron1979)) plays that through: it draws as many albums as there are, with repetition, computes the score on the
# clips of the drawn ones, and does so a thousand times. The middle 95 % of these scores are our interval. We draw *albums*, because the
# clips of one album are recognised or missed together: drawn one by one they would look like more evidence than they are.

# %%
from labkit.evaluation import bootstrap

scores = {f"{name}, {title}": bootstrap(score, predicted[name], truths[name], groups=groups[name])
          for title, score in (("accuracy", accuracy), ("macro F1", macro_f1)) for name in INPUTS}

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=3.6)
plots.intervals(axis, scores, label="score on the test clips", spec=".2f")
plots.show(figure, alt="Accuracy and macro F1 of four LSTMs with 95 % intervals: "
           + "; ".join(f"{name} {score:.2f}" for name, score in scores.items()))

# %% tags=["remove-input"]
wide = max(score.high - score.low for score in scores.values()) / 2
say(f"The intervals reach up to {wide:.2f} to either side, with {len(truth)} test clips from {len(set(groups[NAME]))} albums. A rule of thumb for "
    f"independent clips is $\\sqrt{{p (1 - p) / n}}$, here {np.sqrt(micro * (1 - micro) / len(truth)):.3f}, of which the interval would be "
    "twice to either side.")

# %% [markdown]
# ## 6.5 Is one better than another?
#
# Two intervals that overlap do not answer that: both networks heard the *same* clips, and a hard album is hard for both. So
# we compare clip by clip. `compare` draws the same albums for both networks and looks at the *difference* of the scores.
# The test of [McNemar](../book/bibliography.md#mcnemar1947) asks the same in another way: of the clips on which exactly one of the two is right, is that one
# the same network more often than a coin would have it?

# %%
from itertools import combinations

from labkit.evaluation import compare, mcnemar

shared = [name for name in INPUTS if np.array_equal(truths[name], truth) and groups[name] == groups[NAME]]
found = {}
for one, other in combinations(shared, 2):
    found[one, other] = compare(accuracy, predicted[one], predicted[other], truth,
                                groups=groups[NAME], names=(one, other))
    p = mcnemar(predicted[one], predicted[other], truth)
    print(f"{found[one, other].verdict}  McNemar: p = {p:.3f}")

# %% tags=["remove-input"]
sure = [pair for pair, one in found.items() if one.is_beyond_noise]
best = max(shared, key=lambda name: reports[name].accuracy)
say(f"{len(sure)} of {len(found)} differences are beyond the noise. The best input in this run is **{best}**"
    + (". " if any(best in pair for pair in sure) else ", and it is not shown to be better than any other. ")
    + f"With {len(found)} comparisons at 95 %, one of them in twenty comes out by luck alone: the more pairs we look at, the more a single "
    "small victory deserves doubt. McNemar's test here counts clips as independent, which clips of one album are not; the bootstrap over albums is the more careful of the two.")

# %% [markdown]
# ## 6.6 Which number, and which input?
#
# Are accuracy and F1 enough to choose a network? They say how often it is right, not how sure it is, how it fails, or what a
# failure costs; nor how long it trains. For this lab, with genres of unequal size, we take **macro F1** to choose, since
# every genre is to be heard, and report the accuracy beside it, because it is what others report. For a comparison with others, the same
# clips count more than the choice of the number.
#
# Why would one input win? On beats, the LSTM has about 20 times fewer steps to remember over, and each frame is a median
# over a unit of the music; on all frames its gradient has a long way to go. Chroma hold the notes and leave out the
# timbre, which sets most genres apart: whatever a drum kit or a distorted guitar tells is gone. Fused input has both, and
# more to fit from the same few clips. On the course's own data, the report found beat-synchronous mel best with an accuracy of 0.37, then
# fused 0.34, mel 0.31 and chroma 0.20.
