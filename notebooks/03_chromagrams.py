# %% [markdown]
# # 3 Chromagrams: the notes without their octave
#
# The mel spectrogram shows where sound is. It does not say which notes are played. A chromagram does: it has twelve rows,
# one for each name of a note.
#
# **What we do.** We *fold* a spectrum into twelve pitch classes by hand. We *test* what the result is robust to, and what
# not. We *read* chords and keys from it, and check them against pieces whose keys we know.
#
# **What we need.** [Lesson 1](01_spectrograms.ipynb) and [lesson 2](02_beat_sync.ipynb); about 35 minutes, a minute to
# run, 1 GB of memory.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
import librosa
import numpy as np

from labkit import plots
from labkit.datasets import find_clip, read_chromagram, read_labels
from labkit.features import HOP, chromagram, mel_spectrogram, percussive_share
from labkit.features import synchronise, track_beats
from labkit.lab import open_lab
from labkit.profiles import SAMPLE_RATE
from labkit.show import listen, measured, say

lab = open_lab(profile)
frames_per_second = SAMPLE_RATE / HOP
NAMES = plots.PITCH_CLASSES

# %% tags=["remove-input"]
say(lab.note("chroma", "chroma_beat", "sound"))

# %% [markdown]
# ## 3.1 Twelve pitch classes
#
# Doubling a frequency gives the same note an **octave** higher: 220, 440 and 880 Hz are all called A. Western music cuts
# the octave into twelve equal steps, **semitones**, each a ratio of $2^{1/12} \approx 1.059$. Notes get numbers, the MIDI
# pitch: $p = 69 + 12 \log_2(f / 440)$. What is left when we forget the octave, $p \bmod 12$, is the
# [pitch class](../book/glossary.md): 0 is C, 1 is C sharp, up to 11, B. Neighbouring classes are a semitone apart, and the
# last is a neighbour of the first: the twelve stand in a circle.

# %%
for note in ("C3", "C4", "G4", "C5", "C♯5"):
    hertz = librosa.note_to_hz(note)
    pitch = 69 + 12 * np.log2(hertz / 440)
    name = NAMES[round(pitch) % 12]
    print(f"{note:4} {hertz:7.1f} Hz   MIDI pitch {pitch:5.1f}   pitch class {name}")

# %% [markdown]
# ## 3.2 Folding a spectrum, by hand
#
# We take a spectrogram with frames twice as long as in lesson 1, ask each frequency between 60 and 4000 Hz for its pitch
# class, and add up the power of each class. Then each column is divided by its maximum, so that loudness does not count.
# The sound is one to test with: a C major chord, C-E-G, then an A minor chord, A-C-E. Each tone has six *partials*: its
# fundamental and five overtones.

# %%
def tone(pitch, seconds=1.0, partials=6, cents=0.0):
    """A fading note (n,). cents: hundredths of a semitone too high."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    base = 440 * 2 ** ((pitch + cents / 100 - 69) / 12)
    waves = sum(np.sin(2 * np.pi * base * k * times) / k for k in range(1, partials + 1))
    return waves * np.exp(-2 * times) * 0.1


def chord(pitches, **options):
    return sum(tone(pitch, **options) for pitch in pitches)


chords = {"C major": (60, 64, 67), "A minor": (57, 60, 64)}
audio = np.concatenate([chord(pitches, seconds=2.0) for pitches in chords.values()])

# %% tags=["remove-input"]
listen(audio / np.abs(audio).max() * 0.7, "two_chords", "A C major chord, then an A minor chord")

# %%
def fold(sound):
    """The STFT chroma of a sound (n,): (12, T), each column divided by its maximum."""
    power = np.abs(librosa.stft(sound, n_fft=4096, hop_length=HOP)) ** 2
    frequencies = librosa.fft_frequencies(sr=SAMPLE_RATE, n_fft=4096)
    chroma = np.zeros((12, power.shape[1]))
    for k in np.flatnonzero((frequencies > 60) & (frequencies < 4000)):
        pitch = 69 + 12 * np.log2(frequencies[k] / 440)
        chroma[round(pitch) % 12] += power[k]
    return chroma / np.maximum(chroma.max(axis=0), 1e-12)

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, height=2.2, sharex=True)
for axis, title, chroma in zip(axes, ("folded by hand", "constant-Q chroma"),
                               (fold(audio), chromagram(audio))):
    plots.chromagram(axis, chroma, frames_per_second, title=title)
axes[0].set(xlabel="")
plots.show(figure, alt="Two chromagrams of the two chords: bright rows at C, E and G in the first two seconds and at A, C "
                       "and E in the next two; fainter rows from the overtones.")

# %% [markdown]
# Both show the two chords. The faint rows are overtones: the third partial of E is a B, that of G a D, the fifth of E a
# G sharp. That is not an error, it sounds in every such chord. Around the change the lower picture is blurred: its lowest
# filters last longer than half a second and hear the next chord before it comes.
#
# By hand we were crude. At 65 Hz a semitone is 4 Hz wide, but the rows of this STFT are 5 Hz apart, so low notes fall into
# the wrong class. The course's chroma uses the **constant-Q transform**
# ([Brown](../book/bibliography.md#brown1991)): filters at the notes themselves, the longer the lower the note, so that each
# octave is cut equally well.

# %% [markdown]
# ## 3.3 What it captures, and what it is robust to
#
# A good feature stays when what we do not ask for changes. We play the same five chords again in several ways and ask how
# similar the pictures are. The measure is the cosine between the two arrays, column by column: 1 for the same direction.
# For the mel spectrogram we take it after subtracting its mean, since all its values are negative. Chroma are never
# negative, so that even noise is somewhat like any chord: compare bars of one colour only.

# %%
PROGRESSION = [(60, 64, 67), (57, 60, 64), (65, 69, 72), (67, 71, 74), (60, 64, 67)]


def play(transpose=0, partials=6, cents=0.0, noise=0.0):
    """The five chords, 0.8 seconds each, at one loudness."""
    parts = [chord(np.array(pitches) + transpose, seconds=0.8, partials=partials, cents=cents)
             for pitches in PROGRESSION]
    sound = np.concatenate(parts)
    hiss = np.random.default_rng(0).standard_normal(len(sound))
    sound = sound / sound.std() + noise * hiss
    return (0.1 * sound / sound.std()).astype(np.float32)


def similarity(a, b):
    """Mean cosine between the columns of two arrays (F, T)."""
    lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return np.mean((a * b).sum(axis=0) / (lengths + 1e-12))

# %%
original = play()
changes = {"an octave higher": play(transpose=12), "brighter, 15 partials": play(partials=15),
           "pure tones": play(partials=1), "noise as loud as the music": play(noise=1.0),
           "30 cents sharp": play(cents=30), "a semitone higher": play(transpose=1),
           "nothing but noise": play(noise=1000.0)}

# %%
def centred_mel(sound):
    mel = mel_spectrogram(sound)
    return mel - mel.mean()


table = {}
for change, sound in changes.items():
    table[change] = (similarity(chromagram(original), chromagram(sound)),
                     similarity(centred_mel(original), centred_mel(sound)))

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.9)
places = np.arange(len(table))
for shift, column, name in ((-0.18, 0, "chroma"), (0.18, 1, "mel")):
    values = [row[column] for row in table.values()]
    bars = axis.barh(places + shift, values, height=0.34, label=name, color=plots.COLOURS[column])
    axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
axis.set_yticks(places, table)
axis.invert_yaxis()
axis.set(xlabel="similarity to the original", xlim=(min(0, *np.ravel(list(table.values()))) - 0.15, 1.15))
axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
plots.show(figure, alt="Similarity to the original, chroma and mel: " + "; ".join(
    f"{change} {chroma:.2f} and {mel:.2f}" for change, (chroma, mel) in table.items()) + ".")

# %% tags=["remove-input"]
measured(**{f"chroma_{change.replace(' ', '_')}": row[0] for change, row in table.items()})

# %%
kept = [change for change, row in table.items() if row[0] > 0.9]
lost = min(table, key=lambda change: table[change][0])

# %% tags=["remove-input"]
say(f"The chroma stay at 0.9 or more with: {', '.join(kept) or 'none of them'}. They change most with **{lost}** "
    f"({table[lost][0]:.2f}); noise without any music reaches {table['nothing but noise'][0]:.2f}, so a value near "
    "that means little. A semitone higher means other notes, so chroma *should* change: what they capture is which notes "
    "sound.")

# %% [markdown]
# Nobody says that an instrument is tuned to 440 Hz. Thirty cents sharp is less than half a semitone, so that each note still
# falls nearest to its own class. Near fifty cents it would not. librosa therefore *estimates the tuning* first and shifts
# its twelve classes. We go to 45 cents, once with and once without.

# %%
sharp = play(cents=45)
told = librosa.feature.chroma_cqt(y=sharp, sr=SAMPLE_RATE, hop_length=HOP, tuning=0.0)
found = librosa.estimate_tuning(y=sharp, sr=SAMPLE_RATE)
without = similarity(chromagram(original), told)
with_it = similarity(chromagram(original), chromagram(sharp))

# %% tags=["remove-input"]
measured(tuning_found=found, similarity_without_tuning=without, similarity_with_tuning=with_it)
say(f"45 cents sharp: librosa estimates {100 * found:+.0f} cents. Similarity to the original {without:.2f} when it is told "
    f"to assume 440 Hz, {with_it:.2f} with its estimate.")

# %% [markdown]
# ## 3.4 Steps 1 and 2 again, with chroma
#
# In the course's files the chroma are the **last twelve rows** of 140. We draw two clips with different labels, and their
# beat-synchronous twins. Look for rows that are bright over several columns: are they the same on both sides?

# %%
source = lab if lab.has("chroma") and lab.has("chroma_beat") else lab.composed_only()
full = source.dataset("genre", needs="chroma")
beat = source.dataset("genre", beat=True, needs="chroma")
say(lab.note("chroma", "chroma_beat"))
labels = read_labels(full.path, "train")
ids = sorted(labels)
draw = np.random.default_rng(seed=1)
first = ids[draw.integers(len(ids))]
second = draw.choice([id for id in ids if labels[id] != labels[first]])
for id in (first, second):
    shapes = [read_chromagram(find_clip(one.path, "train", id)).shape for one in (full, beat)]
    print(f"{labels[id]:12} clip {id}: {shapes[0]} full, {shapes[1]} beat-synchronous")

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, columns=2, height=2.3)
for row, id in zip(axes, (first, second)):
    for axis, folder, rate, unit in ((row[0], full, full.meta.frames_per_second, "time (s)"), (row[1], beat, 1, "beat")):
        clip = read_chromagram(find_clip(folder.path, "train", id))
        plots.chromagram(axis, clip.T, rate, title=f"{labels[id]}, clip {id}", unit=unit)
plots.show(figure, alt=f"Chromagrams of two clips, {labels[first]} and {labels[second]}: on the left every frame, on the "
                       "right one column a beat.")

# %% [markdown]
# On the right the harmony is the same with far fewer columns. Chroma and beats go well together, because chords tend to
# change on beats. Within a beat the median weakens what disturbs a chromagram most: drums, which are noise in all twelve
# classes, and the attacks of notes. A column that is bright in all rows is such noise, or silence.

# %% [markdown]
# ## 3.5 Reading chords
#
# A major chord is three pitch classes, the root and those 4 and 7 semitones above it; a minor chord has 3 in place of 4. We
# compare each column with the 24 patterns and keep the most similar one. We take the most sustained recording, because
# there the notes are clearest.

# %%
def chord_patterns():
    """The 24 major and minor triads as vectors: names and (24, 12), each of length one."""
    names, rows = [], []
    for kind, third in (("", 4), ("m", 3)):
        for root in range(12):
            row = np.zeros(12)
            row[[root, (root + third) % 12, (root + 7) % 12]] = 1 / np.sqrt(3)
            names.append(NAMES[root] + kind)
            rows.append(row)
    return names, np.array(rows)

# %%
recording = min(lab.recordings(), key=lambda one: percussive_share(one.sound(8)))
audio = recording.sound(15)
tempo, beats = track_beats(audio)
chroma = synchronise(chromagram(audio), beats)
names, patterns = chord_patterns()
chords_heard = [names[k] for k in (patterns @ chroma).argmax(axis=0)]

# %% tags=["hide-input"]
edges = np.unique(np.concatenate([[0], beats, [1 + len(audio) // HOP]])) / frames_per_second
figure, (axis,) = plots.figure(height=3.0)
plots.chromagram(axis, chroma, frames_per_second, beats=edges, title=f"{recording.title}: chords by beat")
previous = None
for start, end, name in zip(edges[:-1], edges[1:], chords_heard):
    if name != previous and end - start > 0.3:  # not the splinters before the first and after the last beat
        axis.text(start, 12.1, name, fontsize=7.5, rotation=45, ha="left", va="bottom")
    previous = name
axis.set_title(axis.get_title(loc="left"), pad=26)
plots.show(figure, alt=f"Beat-synchronous chromagram of {recording.title} with the most similar chord written above each "
                       f"change; it begins {', '.join(dict.fromkeys(chords_heard[:6]))}.")

# %% tags=["remove-input"]
listen(audio / np.abs(audio).max() * 0.9, "chords", f"{recording.title}: does the harmony change where the names do?")

# %% [markdown]
# Twenty-four patterns know no other chords, and one column with a passing note is easily named wrongly. Take the names as
# a sketch. Only sharps are written: A♯ is also B flat.

# %% [markdown]
# ## 3.6 Reading the key
#
# The **key** is the note on which a piece rests, its *tonic*, and the scale around it.
# [Krumhansl and Kessler](../book/bibliography.md#krumhansl1982) asked listeners how well each of the twelve notes fits a
# key. Their answers make a profile; the key whose profile correlates best with the mean chroma of a piece is our guess, a
# method that [Krumhansl](../book/bibliography.md#krumhansl1990) gives.

# %%
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def guess_key(chroma):
    """Tonic (0 = C) and whether it is major, of a chromagram (12, T)."""
    mean = chroma.mean(axis=1)
    scores = {(tonic, kind is MAJOR): np.corrcoef(np.roll(kind, tonic), mean)[0, 1]
              for tonic in range(12) for kind in (MAJOR, MINOR)}
    return max(scores, key=scores.get)


for one in lab.recordings()[:8]:
    tonic, major = guess_key(chromagram(one.sound(30)))
    print(f"{one.title:42} {NAMES[tonic]} {'major' if major else 'minor'}")

# %% [markdown]
# Are these right? For the composed pieces we know the tonic. We take one piece of each of up to three albums a genre, since
# pieces of one album like the same keys, and ask for the tonic alone, not for major or minor. Besides right and wrong there
# are near misses, keys that share most of their notes: a fifth up or down, and the relative key, which for a major key is
# the minor one three semitones below.

# %%
counts = {"right": 0, "a fifth away": 0, "the relative key": 0, "other": 0}
pieces = lab.composed_pieces(each=3)
for piece in pieces:
    tonic, major = guess_key(chromagram(piece.sound()))
    away = (tonic - piece.score.tonic) % 12
    near = {0: "right", 5: "a fifth away", 7: "a fifth away",
            3 if major else 9: "the relative key"}
    counts[near.get(away, "other")] += 1

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=1.8)
plots.counts(axis, counts, title=f"the tonic of {len(pieces)} composed pieces")
axis.set(xlabel="pieces")
plots.show(figure, alt="Bars of how often the tonic was found: "
                       + ", ".join(f"{name} {count}" for name, count in counts.items()) + ".")

# %% tags=["remove-input"]
from scipy.stats import binomtest

right = counts["right"] / len(pieces)
interval = binomtest(counts["right"], len(pieces)).proportion_ci(method="wilson")
measured(lab.root is None, key_right=right, key_pieces=len(pieces))
say(f"The tonic is right for **{right:.0%}** of {len(pieces)} pieces (95 % interval {interval.low:.0%} to "
    f"{interval.high:.0%}); guessing would reach {1 / 12:.0%}. Of the {len(pieces) - counts['right']} others "
    f"{counts['a fifth away'] + counts['the relative key']} are near misses.")

# %% [markdown]
# So harmony can be read from twelve numbers a column. Will that tell the genre? Genres differ less in their notes than in
# how they sound: the same four chords serve rock, folk and pop. Lesson 5 trains the same network on both inputs.

# %% [markdown]
# ## Exercises
#
# The three exercises lead from single notes to a key, and to how far one performance of a song is transposed from another.
# They work as in [lesson 1](01_spectrograms.ipynb): `check("3.1")` says how far an answer is, `hint("3.1")` and `solution("3.1")` help, and
# `target("3.2")` shows what is to be reached.

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 3.1 · Notes without their octave** (5 minutes).
#
# Suppose we knew the notes instead of the sound. Write `folded(pitches, seconds)`: from the MIDI pitches of some notes and how
# long each sounds, the column (12,) that says how long each pitch class sounds, divided by its largest value. A pitch that
# is no whole number counts for the nearest one.
#
# *Solved when* three test melodies agree to one part in ten thousand. In numbers: C4, E4, G4 and C5, the pitches 60, 64, 67
# and 72, for 1, 1, 2 and 3 seconds, give 4 seconds of C, 1 of E and 2 of G, so C is 1, E 0.25, G 0.5, and the other nine are 0.

# %% tags=["exercise"]
# Exercise 3.1
def folded(pitches, seconds):
    """How long each pitch class sounds (12,), of notes (n,) and lengths (n,)."""
    # solution: begin
    classes = np.round(pitches).astype(int) % 12
    # solution: end
    column = np.bincount(classes, weights=seconds, minlength=12)  # solution
    return column / column.max()

# %% tags=["check"]
check("3.1")

# %% [markdown]
# **Exercise 3.2 · Transposition is a turn** (5 minutes).
#
# To *transpose* music is to play all of it the same number of semitones higher or lower. Write `transposed(chroma, semitones)`:
# what the chromagram (12, T), or a single column (12,), becomes when the music is played so many semitones higher.
# Negative numbers mean lower.
#
# *Solved when* it is right upwards, downwards and by more than an octave. In the target, look at where the brightest rows of
# the upper picture have gone.

# %%
target("3.2")

# %% tags=["exercise"]
# Exercise 3.2
def transposed(chroma, semitones):
    """A chromagram (12, T) or a column (12,) of the same music, so many semitones higher."""
    return np.roll(chroma, semitones, axis=0)  # solution

# %% tags=["check"]
check("3.2")

# %% [markdown]
# Once it is correct, go back to the bar of section 3.3 where the chroma changed with a semitone:
# `similarity(transposed(chromagram(original), 1), chromagram(changes["a semitone higher"]))` says how similar the two are
# after the turn.

# %% [markdown]
# **Exercise 3.3 · The turn that fits best** (10 minutes).
#
# A key profile for C major is one for G major after a turn. So guessing a key is to ask for a turn. Write
# `best_turn(profile, column)`: by how many semitones up, 0 to 11, the profile (12,) has to be turned to correlate best with the
# column (12,), and that correlation.
#
# *Solved when* both numbers agree to one part in a thousand, for keys and for two performances of one song. The target shows
# all twelve correlations of one case.

# %%
target("3.3")

# %% tags=["exercise"]
# Exercise 3.3
def best_turn(profile, column):
    """Semitones up, 0 to 11, at which a profile fits a column best; the correlation."""
    # solution: begin
    fits = [np.corrcoef(transposed(profile, steps), column)[0, 1] for steps in range(12)]
    # solution: end
    return int(np.argmax(fits)), max(fits)  # solution

# %% tags=["check"]
check("3.3")

# %% [markdown]
# Once it is correct, `best_turn(MAJOR, column)` and `best_turn(MINOR, column)` name a key: the one with the larger correlation.
# Of a composed piece we know the notes, so that the column needs no sound. Does it find the true tonic more easily?
#
# `notes = [note for note in piece.score.notes if note.part != "drums"]` are the notes of the last piece of section 3.6,
# `folded(np.array([note.pitch for note in notes]), np.array([note.duration for note in notes]))` is their column, and
# `piece.score.tonic` the answer.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** One low C is played on an instrument whose overtones get weaker from each to the next. Apart from C itself,
# which row of a chromagram should be the brightest?
#
# - a) C♯
# - b) F
# - c) G
#
# <details><summary>Answer</summary>
#
# **c)** The second partial is a C again, an octave higher. The third has three times the frequency, 19 semitones above, which
# is an octave and 7: a G. The fifth partial, weaker, is an E. So a single note already looks a little like a major chord.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** A song is sung three semitones higher. What becomes of its pictures?
#
# - a) In both the rows move up by three.
# - b) The rows of the chromagram turn by three; those of the mel spectrogram (below 1000 Hz) move by different
#   numbers of bands.
# - c) The rows of the mel spectrogram move up by three; the chromagram stays as it is.
#
# <details><summary>Answer</summary>
#
# **b)** Three semitones are three rows of a chromagram, and what leaves at the top comes back at the bottom. In hertz they are
# a factor of 1.19: at 200 Hz that is 38 Hz, at 800 Hz it is 151 Hz, while the bands at both are equally wide. So the
# higher of these two moves by four times as many bands.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** A key guess is wrong, but nearly right. With which of these keys is C major confused most easily, by the
# notes that they share?
#
# - a) G major, seven semitones up
# - b) C♯ major, one semitone up
# - c) F♯ major, six semitones up
#
# <details><summary>Answer</summary>
#
# **a)** C major has the notes C D E F G A B. G major has the same but for F, which becomes F♯: six of seven are shared. Of C♯ major
# and of F♯ major only two sound in C major. So a fifth is a near miss, and the neighbour on the keyboard is not.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **The wrong rows.** Rows 128 to 139 are the chroma, the *last 12*; the first 128 are mel bands. So a fused clip has
#   128 + 12 = 140 rows, not 256.
# - **An octave between neighbours?** No: neighbouring rows are a *semitone* apart. All octaves of a note share one row.
# - **Mel and chroma side by side without scaling.** Mel lies in [-80, 0] dB, chroma in [0, 1]: next to numbers of that
#   size a network hardly notices twelve small ones at first. Lesson 4 standardises each row.
# - **Chroma of silence.** Each column is divided by its maximum, so that the noise of a pause looks as strong as a chord.
#
# ## Take-away
#
# 1. Chroma say which of the twelve notes sound, whatever the octave and, in our test, largely whatever the overtones.
# 2. Noise lifts all twelve rows; against short noise, drums and attacks, the median between beats helps.
# 3. They carry harmony, chords and key, and give up timbre, register and loudness.
#
# **Next:** [Lesson 4](04_dataset.ipynb) turns thousands of such files into batches, and finds a trap in how they are split.
