"""What a style is: the data from which pieces of one genre are composed, and the little languages it is written in.

The twenty genres themselves stand in `genres/`, one file each. How to add one: write a file like theirs, most easily
from its nearest neighbour, name it in `genres/__init__.py`, and run `python -m labkit data calibrate`; the gallery and
`datasets.CLASS_MAPPING` want to know it too. To try one out nothing has to be registered: `compose` takes a Style. Use
instruments of `instruments.py` and `drums.py`, effects of `effects.py` and scales of `SCALES`. Then look at a few mel
spectrograms of the new genre and listen to them: `render(compose("My genre", seed=1))`.

How to write a pattern: one bar, four steps a beat, so 16 characters in four-four time and 12 in three-four, without
spaces. A style may hold patterns for several metres; each piece takes those that fit its own. A calm piece of the
genre takes the pattern with few strokes, a lively one that with many.

    X x o   all notes of the chord (for drums: one stroke): accented, normal, soft
    1 to 9  one note of the chord, counted from its root upward: 1 root, 2 third, 3 fifth, 4 octave (of a triad)
    w       a step of the scale towards the root of the next chord: what a walking bass plays
    -       the note before goes on
    .       silence

How to write chords: one word a bar, "I V vi IV"; two chords in a bar are joined by a slash, "I/V". Capitals are major,
small letters minor; a suffix of `SUFFIXES` changes or adds notes ("V7", "IVmaj7", "ii9", "Isus4"). The numerals count
the major scale in every mode; "b" in front lowers the root by a semitone, so that the usual chords of a minor key are
"i bIII iv v bVI bVII".
"""

from dataclasses import dataclass, field

STEPS_PER_BEAT = 4

# Semitones above the tonic, and how bright the mode is held to be, 0 (sad) to 1 (glad); see affect.py.
SCALES = {
    "lydian": ((0, 2, 4, 6, 7, 9, 11), 0.95),
    "major": ((0, 2, 4, 5, 7, 9, 11), 1.0),
    "major pentatonic": ((0, 2, 4, 7, 9), 0.95),
    "mixolydian": ((0, 2, 4, 5, 7, 9, 10), 0.75),
    "dorian": ((0, 2, 3, 5, 7, 9, 10), 0.4),
    "blues": ((0, 3, 5, 6, 7, 10), 0.4),
    "phrygian dominant": ((0, 1, 4, 5, 7, 8, 10), 0.35),
    "minor pentatonic": ((0, 3, 5, 7, 10), 0.25),
    "minor": ((0, 2, 3, 5, 7, 8, 10), 0.15),
    "harmonic minor": ((0, 2, 3, 5, 7, 8, 11), 0.1),
    "phrygian": ((0, 1, 3, 5, 7, 8, 10), 0.0),
}

# What a suffix of a chord makes of (root, third, fifth), in semitones above the root; None stands for the third.
SUFFIXES = {
    "": (0, None, 7),
    "7": (0, None, 7, 10),
    "maj7": (0, None, 7, 11),
    "9": (0, None, 7, 10, 14),
    "add9": (0, None, 7, 14),
    "6": (0, None, 7, 9),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "7b9": (0, None, 7, 10, 13),
    "5": (0, 7, 12),
}

# The players of a band. The first two invent their notes, the others follow patterns. At most one part of each.
ROLES = ("melody", "answer", "chords", "pad", "figure", "bass")

Range = tuple[float, float]  # lowest and highest value; each album draws its own between them


@dataclass(frozen=True)
class Part:
    """One player: what it plays on, in which rhythm, how high, how loud."""

    role: str                        # one of ROLES
    instruments: tuple[str, ...]     # an album picks one; "" = nobody
    patterns: tuple[str, ...] = ()   # a piece picks one
    register: int = 60               # MIDI number: the lowest note of its chords, the middle of its melody
    level: float = 0.0               # dB against the other parts
    voices: int = 3                  # notes in a chord
    power: bool = False              # overdriven guitars play chords of root, fifth and octave only
    strum: float = 0.0               # seconds between the notes of a chord
    ring: bool = False               # single notes sound on until the chord changes, as picked strings do
    effects: tuple[str, ...] = ()    # names in effects.INSERTS, in the order of the chain; an album keeps each or not
    chance: float = 1.0              # share of the albums that have this player


@dataclass(frozen=True)
class Section:
    """One stretch of a piece: which roles play, and how loud."""

    name: str
    share: float             # of the bars of the piece
    roles: tuple[str, ...]   # of ROLES, and "drums"
    loudness: float = 1.0    # multiplies the velocities


@dataclass(frozen=True)
class Production:
    """Ranges of what is done to the sound after it was played, in the order of the recording chain."""

    width: Range = (0.0, 0.4)           # share of chords and pads that reaches the mono sum late (wide stereo)
    pump: Range = (0.0, 0.0)            # how far the bass drum pushes the other parts down, 0 to 1
    rooms: tuple[str, ...] = ("room",)  # names in effects.ROOMS; a recording is in one
    reverb_seconds: Range = (0.3, 0.9)  # time to fall by 60 dB
    reverb_mix: Range = (0.05, 0.2)     # share of the reverberated sound
    echo_mix: Range = (0.0, 0.0)        # share of echoes in the tempo of the piece
    compression: Range = (0.1, 0.4)     # 0 = as played, 1 = one loudness throughout
    drive: Range = (0.0, 0.0)           # how hard the whole mix is pressed through tanh; 0 = not at all
    slope: Range = (-7.0, -4.0)         # dB an octave from 100 Hz to 8 kHz at which the mastering aims
    mastering: Range = (0.4, 0.8)       # how far it goes there: 0 = as mixed, 1 = all the way
    lowpass: Range = (8000.0, 11000.0)  # Hz
    highpass: Range = (25.0, 45.0)      # Hz
    wow: Range = (0.0, 0.0)             # greatest shift of pitch by an uneven turntable, as a share of the frequency
    bits: Range = (16.0, 16.0)          # steps of the amplitude, as a power of two
    noise_db: Range = (-75.0, -62.0)    # the genre's part of the hiss of tape and amplifiers, against unit loudness
    crackle: Range = (0.0, 0.0)         # clicks a second, of an old disc


@dataclass(frozen=True)
class Mood:
    """Mean and standard deviation of the three affect labels over the pieces of a genre; see affect.py.

    For ten genres they are those of published labels, for ten a neighbour's, moved by hand.
    """

    valence: tuple[float, float]
    energy: tuple[float, float]
    danceability: tuple[float, float]
    assumed: str = ""  # empty for published ones; else from which genre, and by how much, the means were moved by hand


@dataclass(frozen=True)
class Style:
    """One genre. Ranges are drawn once an album, and a little differently for each of its pieces.

    A genre is often a family of bands: solo piano or string quartet, salsa or raga. With `consort` the lists of
    instruments, modes and drums stand in one order, and an album reads them all at one place, so that players come
    together who play together.
    """

    name: str
    listen: str                                      # what to listen for, and what of it shows in the spectrogram
    mood: Mood
    tempo: Range                                     # beats a minute
    modes: tuple[tuple[str, tuple[str, ...]], ...]   # (scale, chord progressions)
    parts: tuple[Part, ...]
    forms: tuple[tuple[Section, ...], ...]
    consort: bool = False                            # whether lists are read at one place
    metres: tuple[int, ...] = (4,)                   # beats a bar
    drift: Range = (0.0, 0.005)                      # how far the tempo wanders within a piece, as a share
    rubato: Range = (0.0, 0.0)                       # greatest slowing and hastening in phrases, as a share
    swing: Range = (0.0, 0.0)                        # 0 = even, 1 = triplets
    swing_beats: float = 1.0                         # what is swung: 1 = pairs of eighths, 0.5 = pairs of sixteenths
    humanise: Range = (0.004, 0.010)                 # standard deviation of the onsets, seconds
    drums: tuple[tuple[tuple[str, str], ...], ...] = ()  # each a set of (drum, pattern); () = none
    drum_level: float = 0.0                          # dB against the parts
    drum_chance: float = 1.0                         # share of the albums that have drums
    fill: tuple[tuple[str, str], ...] = ()           # half a bar before a new section; step 0: its first beat
    density: Range = (1.0, 2.0)                      # melody notes a beat
    compass: int = 10                                # semitones that a melody goes above and below its register
    leaps: float = 0.2                               # share of the melody's steps that are leaps
    rests: float = 0.25                              # share of each phrase of four bars in which the melody is silent
    gate: Range = (0.8, 0.98)                        # sounding share of a melody note
    dynamics: Range = (0.5, 0.8)                     # how hard they play, 0 to 1
    production: Production = field(default_factory=Production)
