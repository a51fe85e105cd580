# %% [markdown]
# # 6 How good is it, and how sure are we?
#
# The networks of lesson 5 have learned. One number each, the accuracy, makes them easy to rank and hides most of what
# they do. This lesson opens that number: which genres are found, which are never named, and which differences between
# the networks are more than luck.
#
# **What we do.** We *compute* precision, recall and F1 by hand from a confusion matrix. We *compare* averages that
# disagree, and find out why. We *test* whether one network is better than another.
#
# **What we need.** Lesson 5, [the LSTM](05_lstm_genre.ipynb), whose networks are found or trained; about 50 minutes and 35 for
# the exercises, 1 GB of memory, half a minute to run at the profile `ci` once lesson 5 has run.

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
from labkit.recipes import LSTMS, linear_model, outlines
from labkit.show import measured, say
from labkit.training import trained

opened = open_lab(profile)
lab, INPUTS, note = opened.serving(LSTMS)

# %% tags=["remove-input"]
own = lab is opened
say(note)

# %% [markdown]
# We fetch the networks and their answers for the test clips. The linear model of lesson 5 joins them: a score of a network
# means little without it.

# %%
NAME = "LSTM, beat-synchronous mel" if "LSTM, beat-synchronous mel" in INPUTS else INPUTS[0]
predicted, tests = {}, {}
for name in INPUTS:
    recipe = LSTMS[name]
    train, val, test = lab.loaders(recipe)
    model, _ = trained(name, partial(recipe.network, train), train, val,
                       recipe.training(lab.profile))
    predicted[name], tests[name] = predict(model, test)[0].argmax(axis=1), test.dataset
    if name == NAME:
        predicted["linear model"] = linear_model(train).predict(outlines(test.dataset))
        tests["linear model"] = test.dataset

# %% tags=["remove-input"]
say(f"Answers of {len(predicted)} models for {len(tests[NAME])} test clips of {len(set(tests[NAME].groups))} albums: "
    f"{'; '.join(predicted)}. The linear model hears what {NAME} hears.")

# %% [markdown]
# ## 6.1 The confusion matrix
#
# A classifier's answers on the test clips fit into one table: a row for each true genre, a column for each answer, and in
# each cell the number of clips. What lies on the diagonal is right. We look at one network first. Which column is the
# fullest? Is there an empty one?

# %%
truth, answer = tests[NAME].targets, predicted[NAME]
classes = list(tests[NAME].label_transformer.classes_)
matrix = np.zeros((len(classes), len(classes)), dtype=int)
for row, column in zip(truth, answer):
    matrix[row, column] += 1

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.36 * len(classes) + 1.2)
plots.confusion(axis, matrix, classes, title=NAME)
right, columns = matrix.diagonal().sum(), matrix.sum(axis=0)
empty = [genre for genre, count in zip(classes, columns) if not count]
fullest = classes[columns.argmax()]
plots.show(figure, alt=f"Confusion matrix of {len(classes)} genres and {matrix.sum()} test clips; {right} lie on the diagonal. "
           f"The fullest column is {fullest} with {columns.max()} clips; empty columns: {', '.join(empty) or 'none'}.")

# %% tags=["remove-input"]
say(f"{right} of {matrix.sum()} clips lie on the diagonal: an **accuracy** of {right / matrix.sum():.1%}. The fullest column is "
    f"**{fullest}** with {columns.max()} answers; {matrix[columns.argmax()].sum()} clips are of that genre. "
    + (f"The network never says: {', '.join(empty)}." if empty else "Each genre is an answer at least once."))

# %% [markdown]
# ## 6.2 Two questions about a genre
#
# For one genre, say Rock, there are two different questions. Of the clips that the network *calls* Rock, how many are?
# That is the **precision**: the diagonal cell over its column. Of the clips that *are* Rock, how many does it find? That is
# the **recall**: the diagonal cell over its row. Their harmonic mean is **F1**, which is low when one of the two is:
#
# $$P = \frac{TP}{TP + FP}, \qquad R = \frac{TP}{TP + FN}, \qquad F_1 = \frac{2 P R}{P + R} = \frac{2\,TP}{2\,TP + FP + FN}$$
#
# $TP$ are the hits, $FP$ the clips wrongly called so, $FN$ those that were missed. A genre that is never named has no
# precision, 0 divided by 0; by convention it counts as 0. Its F1 needs no convention: by the last fraction it is 0. A genre with
# a high recall and a low precision is one that the network names too readily; the other way round, too seldom.

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

from labkit.evaluation import report

theirs = precision_recall_fscore_support(truth, answer, labels=range(len(classes)),
                                         zero_division=0)
assert np.allclose([precision, recall, f1], theirs[:3])

print(report(answer, truth, classes))

# %% tags=["remove-input"]
named = np.where((matrix.sum(axis=0) > 0) & (matrix.sum(axis=1) > 0), np.abs(recall - precision), 0)
far = named.argmax()
how = "too readily" if recall[far] > precision[far] else "too seldom"
say(f"In this run the two are farthest apart for **{classes[far]}**, named {how}: of {matrix[far].sum()} clips it finds "
    f"{hits[far]}, a recall of {recall[far]:.2f}, and of {columns[far]} answers {hits[far]} are right, a precision of "
    f"{precision[far]:.2f}." if named[far] > 0.1 else
    "In this run the two lie near to each other for each genre that is named.")

# %% [markdown]
# By hand and by scikit-learn it is the same; `report` prints all of it. Read the table row by row, not only its end.
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
#   *accuracy* are the same number. With several answers a clip, as in tagging, they would not be.
#
# The macro mean leaves out a genre that neither occurs nor is named; there is nothing to say about it.

# %%
from sklearn.metrics import f1_score

support = matrix.sum(axis=1)
wrong = matrix.sum() - hits.sum()
micro = 2 * hits.sum() / (2 * hits.sum() + wrong + wrong)
macro = f1[(support > 0) | (matrix.sum(axis=0) > 0)].mean()
weighted = np.average(f1, weights=support)
for average, ours in (("micro", micro), ("macro", macro), ("weighted", weighted)):
    assert np.isclose(ours, f1_score(truth, answer, average=average, zero_division=0))
print(f"accuracy {hits.sum() / matrix.sum():.3f}   micro {micro:.3f}   macro {macro:.3f}   "
      f"weighted {weighted:.3f}")

# %% tags=["remove-input"]
measured(own, accuracy=micro, macro_f1=macro, weighted_f1=weighted)
side = ("all genres have equally many test clips, so that the two must agree" if not np.ptp(support[support > 0]) else
        "the genres with more clips have the higher F1" if weighted > macro + 0.01 else
        "the genres with fewer clips have the higher F1" if weighted < macro - 0.01 else
        "neither the frequent nor the rare genres are favoured")
say(f"scikit-learn has the same. Here micro, which is the accuracy, is {micro:.2f}, weighted {weighted:.2f} and macro "
    f"{macro:.2f}. Weighted and macro are means of the same F1, so their difference tells whom the network serves: {side}. Averages that agree say only that, not "
    "that all is well.")

# %% [markdown]
# ## 6.4 When accuracy and F1 part
#
# They part when F1 differs between genres of different size, or when some genres are never named; the second also where all
# genres have equally many clips. A network that names only two of ten such genres, and misses no clip of these, has an
# accuracy of 20 %. If its answers fall on both alike, each has five times as many answers as clips and an F1 of one third, the
# other eight have 0, and the macro F1 is 7 %.
#
# A network that names the most frequent genre, always, shows the extreme. Its accuracy is that genre's share $p$. The F1 of
# that genre is $2p / (1 + p)$, that of all others 0, so that the macro F1 is $2p / (1 + p)$ divided by the number of
# genres. Here it is the most frequent genre of the test clips, the luckiest such guess.

# %%
from labkit.evaluation import accuracy, macro_f1

always = np.full(len(truth), support.argmax())
print(f"always {classes[support.argmax()]}: accuracy {accuracy(always, truth):.3f}, "
      f"macro F1 {macro_f1(always, truth):.3f}")

# %% [markdown]
# This is why an accuracy alone can mislead. The report that this lab was made from calls accuracy trustworthy on its data,
# although four to seven of the ten genres have an F1 of 0.00 in the tables of its LSTMs. We look at ours.

# %% tags=["remove-input"]
reports = {name: report(predicted[name], heard.targets, list(heard.label_transformer.classes_))
           for name, heard in tests.items()}
for name, one in reports.items():
    lost = [each.name for each in one.per_class if each.support and not each.f1]
    say(f"- **{name}**: accuracy {one.accuracy:.1%}, macro F1 {one.macro.f1:.2f}; "
        + (f"F1 = 0.00 for {len(lost)} of {len(one.per_class)}: {', '.join(lost)}." if lost else "no genre with F1 = 0.00."))

# %% [markdown]
# ## 6.5 How sure are we?
#
# The test clips are a draw: other albums would have given other numbers. The [bootstrap](../book/glossary.md#bootstrap)
# ([Efron](../book/bibliography.md#efron1979)) plays that through: it draws as many albums as there are, with repetition,
# computes the score on the clips of the drawn ones, and does so a thousand times. The middle 95 % of these scores are our
# interval. We draw *albums*, because clips of one album tend to be recognised or missed together: drawn one by one they would
# look like more evidence than they are.
#
# Such an interval covers other albums of the same kind. It does not cover another training with another seed, other kinds of music, or
# new albums where the albums of these clips were known from the training (lesson 5 counts them).
#
# A rule of thumb stands beside it: for $n$ *independent* clips and an accuracy $p$ the interval reaches about
# $2 \sqrt{p (1 - p) / n}$ to either side. Near 0 and 1, or with few clips, both are too narrow.

# %%
from labkit.evaluation import bootstrap

scores = {}
for title, score in (("accuracy", accuracy), ("macro F1", macro_f1)):
    for name, heard in tests.items():
        scores[f"{name}, {title}"] = bootstrap(score, predicted[name], heard.targets,
                                               groups=heard.groups)

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=3.6)
plots.intervals(axis, scores, label="score on the test clips", spec=".2f")
plots.show(figure, alt=f"Accuracy and macro F1 of {len(tests)} models with 95 % intervals: "
           + "; ".join(f"{name} {score:.2f}" for name, score in scores.items()))

# %% tags=["remove-input"]
wide = max(score.high - score.low for score in scores.values()) / 2
by_rule = np.sqrt(micro * (1 - micro) / len(truth))
drawn = scores[f"{NAME}, accuracy"]
say(f"The widest reaches {wide:.2f} to either side, with {len(truth)} test clips from {len(set(tests[NAME].groups))} albums. For "
    f"{NAME} the rule of thumb gives {2 * by_rule:.2f} to either side, and drawing albums gives {(drawn.high - drawn.low) / 2:.2f}.")

# %% [markdown]
# ## 6.6 Is one better than another?
#
# Two intervals that overlap do not answer that: both models heard the *same* clips, and a hard album is hard for both. So
# we compare clip by clip. `compare` draws the same albums for both networks and looks at the *difference* of the scores.
# The test of [McNemar](../book/bibliography.md#mcnemar1947) asks in another way: of the clips that exactly one of the two gets
# right, are more the first one's, or more the second one's, than a fair coin would have it?
# We call a difference **beyond the noise** when its 95 % interval does not hold 0.

# %%
from itertools import combinations

from labkit.evaluation import compare, mcnemar

# Only models that answered for the same clips can be compared clip by clip.
shared = [name for name, heard in tests.items() if heard.ids == tests[NAME].ids]
groups, found = tests[NAME].groups, {}
for one, other in combinations(shared, 2):
    found[one, other] = [compare(score, predicted[one], predicted[other], truth, groups=groups)
                         for score in (accuracy, macro_f1)]
    p = mcnemar(predicted[one], predicted[other], truth)
    print(f"McNemar p = {p:.2g}   {one}   and   {other}")

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=2, height=max(1.6, 0.3 * len(found) + 0.8), sharey=True)
titles = ["\nminus ".join(name.removeprefix("LSTM, ") for name in pair) for pair in found]
told = []
for column, (axis, title) in enumerate(zip(axes[0], ("accuracy", "macro F1"))):
    differences = dict(zip(titles, (both[column].difference for both in found.values())))
    plots.intervals(axis, differences, label=f"difference in {title}", spec=".2f")
    axis.axvline(0, color="0.5", linewidth=1)
    axis.locator_params(axis="x", nbins=6)
    told.append(f"{title}: " + "; ".join(f"{pair} {one:.2f}" for pair, one in differences.items()).replace("\n", " "))
plots.show(figure, alt="Differences between pairs of models with 95 % intervals, in " + "; in ".join(told))

# %% tags=["remove-input"]
pairs = len(found)
sure = {title: [pair for pair, both in found.items() if both[column].is_beyond_noise]
        for column, title in enumerate(("accuracy", "macro F1"))}
counted = " and ".join((f"{len(some)} of {pairs}" if pairs > 1 else f"{'beyond' if some else 'inside'} it") + f" in {title}"
                       for title, some in sure.items())
say((f"Beyond the noise: {counted}. " if pairs > 1 else f"One difference, measured against the noise: {counted}. ")
    + "Each comparison has a chance of about one in twenty to find a difference where there is none"
    + (f": of {pairs} in one score about {pairs / 20:.2g} false ones are expected, so that a single victory deserves doubt. "
       if pairs > 1 else ". ")
    + "McNemar's test counts clips as independent, which clips of one album are not; the bootstrap over albums does not, "
    "but with few albums it too is a little bold.")

# %% [markdown]
# All of this speaks of these *trainings*. Another seed draws other first weights and another order of the batches, and gives
# other networks: a difference may be beyond the noise of the albums and still be the luck of a seed. Whoever wants to speak of
# inputs trains with several seeds each; [Networks, measured](../book/trained_networks.md) does so with five.

# %% [markdown]
# ## 6.7 Which number, and which input?
#
# Are accuracy and F1 enough to choose a network? They say how often it is right, not how sure it is, how it fails, or what a
# failure costs; nor how long it takes to train. For this lab we take **macro F1**, on the *validation* clips, to choose a network,
# since every genre is to be heard, however few its clips; the test scores above describe the networks and choose none. We report the accuracy beside it, because it is what others report. For a comparison with others,
# the same clips count more than the choice of the number.

# %% tags=["remove-input"]
best = sorted((name for name in shared if name in INPUTS), key=lambda name: -reports[name].macro.f1)
if len(best) > 1:
    score, second = (reports[name].macro.f1 for name in best[:2])
    ahead = next(both[1] for pair, both in found.items() if set(pair) == set(best[:2])).is_beyond_noise
    say(f"On the test clips **{best[0]}** has the highest macro F1 of this run, {score:.2f}, before {best[1]} with "
        f"{second:.2f}: a difference "
        + ("beyond the noise. " if ahead else "inside the noise, so that which of the two is better stays open. ")
        + f"The linear model has {reports['linear model'].macro.f1:.2f}.")
else:
    say("With one network, there are no inputs to compare in this run.")

# %% [markdown]
# Why would one input be better than another? Here are reasons, which these numbers do not test. On beats, the
# LSTM has far fewer steps to remember over (lesson 2 counts them), and each column is a median over a unit of the music; on all frames its gradient has a long way to go. Chroma
# hold the notes and leave out most of the timbre: most of what a drum kit or a distorted guitar tells is gone. Fused input has both,
# and a few more weights to fit from the same clips.

# %% tags=["remove-input"]
beats, unlike = "LSTM, beat-synchronous mel", []
for name in best if beats in best else []:
    behind = reports[beats].macro.f1 < reports[name].macro.f1
    if name not in (beats, "LSTM, mel and chroma") and behind:  # of fused and beats the reasons say nothing
        pair = next(both[1] for pair, both in found.items() if set(pair) == {beats, name})
        unlike.append(f"{name} lies before {beats}, " + ("beyond" if pair.is_beyond_noise else "inside") + " the noise")
if beats in best and len(best) > 1:
    say("By these reasons beats would come before all frames and before chroma. "
        f"Here the order is another: {'; '.join(unlike)}."
        if unlike else "The order in this run is the one that these reasons let us expect; that does not prove them.")

# %% [markdown]
# On the course's own data, 575 test clips of which 17.9 % are of the most frequent genre, the report has:
#
# | | mel | beat-synchronous mel | chroma | fused |
# |---|---|---|---|---|
# | accuracy | 0.31 | 0.37 | 0.20 | 0.34 |
# | macro F1 | 0.19 | 0.27 | 0.08 | 0.21 |
#
# Both scores put the inputs into one order. By the rule of thumb of 6.5 each accuracy is good to about 0.04 to either side at
# best: chroma is not clear of those 17.9 %, and whether beats beat fused stays open, since we lack the answers clip by clip for
# the comparison of 6.6. Our chroma and fused inputs are beat-synchronous; the report says so of its mel alone.

# %% [markdown]
# ## 6.8 Listen
#
# All mistakes count alike in these numbers. We listen to one, a clip of the most frequent confusion of section 6.1, and beside
# it to a clip that the network got right, if possible one of the genre that it took the first for. Can we hear why?

# %% tags=["hide-input"]
from dataclasses import replace

from labkit.show import listen

ids = tests[NAME].ids
piece = lab.composed_pieces()[0] if lab.root is None else None  # with another id it is another composed clip
recordings = [replace(piece, id=clip) for clip in ids] if piece else lab.recordings()
playable = {one.id.lstrip("0"): one for one in recordings if not one.is_fallback}
places = [place for place, clip in enumerate(ids) if clip.lstrip("0") in playable]
wrong = sorted((place for place in places if answer[place] != truth[place]),
               key=lambda place: -matrix[truth[place], answer[place]])[:1]
right = sorted((place for place in places if answer[place] == truth[place]),
               key=lambda place: truth[place] not in answer[wrong])[:1]
if not places:
    say("These data hold no sound of the test clips, so there is nothing to play here.")
for verdict, place in [("wrong", place) for place in wrong] + [("right", place) for place in right]:
    listen(playable[ids[place].lstrip("0")].sound(8), f"lesson_6_{verdict}",
           f"{verdict}: {NAME} says {classes[answer[place]]}, it is {classes[truth[place]]}")

# %% [markdown]
# ## Exercises
#
# A score that weighs misses against false hits, how far it would move with other albums, and a test of two networks that needs
# no drawing. `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 6.1 · When a miss costs more** (10 minutes).
#
# For the archive of section 6.2 a miss is worse than a false hit, for the radio station it is the reverse. $F_\beta$ weighs them:
# with $\beta = 2$ a miss counts four times as much as a false hit, with $\beta = 0.5$ a quarter as much:
#
# $$F_\beta = \frac{(1 + \beta^2)\,TP}{(1 + \beta^2)\,TP + \beta^2\,FN + FP}$$
#
# Write `f_beta(matrix, beta)` for a confusion matrix whose rows are the true genres: one number for each genre, and 0 for a genre
# without a hit; `share` of section 6.2 helps where the fraction is 0/0.
#
# *Solved when* it agrees with scikit-learn's `fbeta_score` to one part in ten thousand for $\beta$ of 0.5, 1 and 2. Below, the
# scores of three genres, from the matrix beside them.

# %%
target("6.1")

# %% tags=["exercise"]
# Exercise 6.1
def f_beta(matrix, beta):
    """F-beta (C,) of each genre from a confusion matrix (C, C): rows true, columns answered."""
    hits = matrix.diagonal()
    # solution: begin
    missed, false = matrix.sum(axis=1) - hits, matrix.sum(axis=0) - hits
    weighed = (1 + beta**2) * hits
    # solution: end
    return share(weighed, weighed + beta**2 * missed + false)  # solution

# %% tags=["check"]
check("6.1")

# %% [markdown]
# **Exercise 6.2 · Other albums** (15 minutes).
#
# Section 6.5 lets `bootstrap` draw. Now we draw ourselves. A confusion matrix of several albums is the sum of those of the albums, so a
# draw of albums is a sum of matrices. Write `drawn_scores(matrices, beta, samples, seed)`. `matrices` (A, C, C) holds one
# confusion matrix for each album; each draw takes A albums with repetition, adds up their matrices and scores the sum by the
# mean `f_beta` of all genres; one that a draw lacks counts as 0. Give the `samples` scores as an array.
#
# *Solved when* 1000 scores of 30 albums have the mean and the spread of ours, to 20 % and 12 % of that spread, each of two albums
# comes as often as it should, and the seed decides the draw.

# %%
target("6.2")

# %% tags=["exercise"]
# Exercise 6.2
def drawn_scores(matrices, beta=1, samples=1000, seed=0):
    """Mean F-beta (samples,) of draws of albums, from their confusion matrices (A, C, C)."""
    rng, albums, scores = np.random.default_rng(seed), len(matrices), []
    for _ in range(samples):
        # solution: begin
        draw = rng.integers(albums, size=albums)
        # solution: end
        scores.append(f_beta(matrices[draw].sum(axis=0), beta).mean())  # solution
    return np.array(scores)

# %% tags=["check"]
check("6.2")

# %% [markdown]
# Once it is correct, `np.quantile(drawn_scores(matrices), [0.025, 0.975])` is an interval as in 6.5, from a matrix for each album of
# `groups`. Where a genre neither occurs in a draw nor is named, it counts as 0 here, and `macro_f1` leaves it out: the two differ
# a little. The matrices are `np.array([confusion_matrix(truth[g == a], answer[g == a], labels=range(len(classes))) for a in
# np.unique(g)])`, with `g = np.asarray(groups)` and scikit-learn's `confusion_matrix`.

# %% [markdown]
# **Exercise 6.3 · Better than a coin?** (10 minutes).
#
# Of two networks of the same quality, each is right about equally often where exactly one of them is: each such clip is the throw of
# a fair coin. Write `coin_p(first, second, truth)`: the probability that the counts of the two differ by at least as much as they
# do, in *either* direction. `binom.cdf(k, n, 0.5)` is the probability of at most `k` heads in `n` throws.
#
# *Solved when* it agrees with the exact test of scipy to one part in a million. For 9 clips against 2 it is 0.065; where
# no clip is right in exactly one of them, or the two counts are equal, it is 1. Below, those 11 clips as throws of a coin.

# %%
target("6.3")

# %% tags=["exercise"]
# Exercise 6.3
from scipy.stats import binom


def coin_p(first, second, truth):
    """The two-sided exact p of McNemar's test, of two networks' answers and the truth (N,)."""
    only_first = np.sum((first == truth) & (second != truth))
    # solution: begin
    only_second = np.sum((second == truth) & (first != truth))
    fewer = min(only_first, only_second)
    # solution: end
    return min(1.0, 2 * binom.cdf(fewer, only_first + only_second, 0.5))  # solution

# %% tags=["check"]
check("6.3")

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** Of 50 jazz clips a network finds 40, and it calls 160 clips jazz in all. What are the precision and the recall of jazz?
#
# - a) precision 80 %, recall 25 %
# - b) precision 25 %, recall 80 %
# - c) precision 25 %, recall 40 %
#
# <details><summary>Answer</summary>
#
# **b)** Precision is 40 of the 160 that are called jazz, recall 40 of the 50 that are. Answer a has the two words exchanged. F1 is
# 2 x 40 / (160 + 50) = 38 %, nearer to the lower of the two.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** A network for nine genres of 10 clips and one of 110 has an accuracy of 55 % and a macro F1 of 7 %. What has it most
# likely learned?
#
# - a) Each genre about equally well.
# - b) The nine small genres well, the large one badly.
# - c) To answer the large genre, nearly always.
#
# <details><summary>Answer</summary>
#
# **c)** The large genre is 110 of 200 clips, 55 %. Always answered, it has an F1 of 2 x 110 / (200 + 110) = 71 %, and the other nine have
# 0: a mean of 7 %. The accuracy alone would look like half a success.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** Two networks score 46 % (40 to 52) and 41 % (35 to 47) on the same clips. What may we say?
#
# - a) The intervals overlap, so neither is better.
# - b) Nothing yet: compare them clip by clip, on the same draws.
# - c) The first one is better by 5 points.
#
# <details><summary>Answer</summary>
#
# **b)** Each interval holds the luck of the test clips, which both networks share. In the difference, draw by draw, much of that luck
# cancels: it may well be clear of 0 although the intervals overlap. And it may not; so c says too much, and a is no test.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 2)" is number 2 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **F1 averaged over batches.** F1 is no mean over clips, so the mean of the batches' F1 is another number, which moves with the batch size.
#   Collect all answers, then score once (mistake 2 is the same with Spearman).
# - **Rows and columns exchanged.** scikit-learn and we have the true genres in the rows, others have them in the columns. Exchanged,
#   precision and recall change places, and no error is raised.
# - **Labels numbered apart** on the training and the test part: the large numbers of the matrix stand beside its diagonal (mistake 6).
# - **Genres left out of the mean** because they are never named. Their F1 is 0, and it counts.
# - **Scored on what was trained on.** `check_apart` compares the clips of two loaders (mistake 9).
# - **The best of many, chosen on the test clips** and reported with the same clips. Choose on the validation clips.
#
# ## Take-away
#
# 1. Read the confusion matrix before any number. Precision reads a column, recall a row, F1 is low when one of them is.
# 2. Accuracy counts clips, macro F1 counts genres. When they part, ask which genres are never named.
# 3. A score without an interval is half a result. Draw albums, and compare two networks on the same draws.
#
# **Next:** an LSTM reads a clip in order. The network of lesson 7 looks at it as at a picture.
