"""The genres, as data: what a `Style` says is all that the composer and the renderer know of a genre.

How to add a genre: write one more `Style(...)` in `_STYLES` below. No other file changes. Use the instrument names of
`instruments.py` (add a function there when a sound is missing) and the scales of `SCALES`. Then look at a few mel
spectrograms of the new genre and listen to them: `render(compose("My genre", seed=1))`.

How to write a pattern: one bar, four steps a beat, so 16 characters in four-four time and 12 in three-four (spaces are
for the eye). A style may hold patterns for several metres; each piece takes those that fit its own.

    X x o   all notes of the chord (for drums: one stroke): accented, normal, soft
    1 to 9  one note of the chord, counted from its root upward: 1 root, 2 third, 3 fifth, 4 octave (of a triad)
    -       the note before goes on
    .       silence

How to write chords: one word a bar, "I V vi IV"; two chords in a bar are joined by a slash, "I/V". Capitals are major,
small letters minor, "7" adds the small seventh. The numerals count the major scale in every mode; "b" in front lowers
the
root by a semitone, so that the usual chords of a minor key are "i bIII iv v bVI bVII".
"""

from dataclasses import dataclass, field

STEPS_PER_BEAT = 4

# Semitones above the tonic, and how bright the mode is held to be, 0 (sad) to 1 (glad); see affect.py.
SCALES = {
    "major": ((0, 2, 4, 5, 7, 9, 11), 1.0),
    "major pentatonic": ((0, 2, 4, 7, 9), 0.95),
    "mixolydian": ((0, 2, 4, 5, 7, 9, 10), 0.75),
    "dorian": ((0, 2, 3, 5, 7, 9, 10), 0.4),
    "blues": ((0, 3, 5, 6, 7, 10), 0.4),
    "minor pentatonic": ((0, 3, 5, 7, 10), 0.25),
    "minor": ((0, 2, 3, 5, 7, 8, 10), 0.15),
    "harmonic minor": ((0, 2, 3, 5, 7, 8, 11), 0.1),
}

Range = tuple[float, float]  # lowest and highest value; each album draws its own between them


@dataclass(frozen=True)
class Part:
    """One player: what it plays on, in which rhythm, how high, how loud."""

    role: str                        # "melody" (its notes are invented), or "chords", "figure", "bass" (its patterns)
    instruments: tuple[str, ...]     # an album picks one
    patterns: tuple[str, ...] = ()   # a piece picks one for each section
    register: int = 60               # MIDI number: the lowest note of its chords, the middle of its melody
    level: float = 0.0               # dB against the other parts
    voices: int = 3                  # notes in a chord
    power: bool = False              # chords of root, fifth and octave only
    strum: float = 0.0               # seconds between the notes of a chord
    chance: float = 1.0              # share of the albums that have this player


@dataclass(frozen=True)
class Section:
    """One stretch of a piece: which roles play, and how loud."""

    name: str
    share: float             # of the bars of the piece
    roles: tuple[str, ...]
    loudness: float = 1.0    # multiplies the velocities


@dataclass(frozen=True)
class Production:
    """Ranges of what is done to the sound after it was played."""

    drive: Range = (0.0, 0.0)           # how hard the whole mix is pressed through tanh; 0 = not at all
    lowpass: Range = (8000.0, 11000.0)  # Hz
    highpass: Range = (25.0, 45.0)      # Hz
    tilt: Range = (-1.5, 1.5)           # dB an octave around 1 kHz
    bits: Range = (16.0, 16.0)          # steps of the amplitude, as a power of two
    reverb_seconds: Range = (0.3, 0.9)
    reverb_mix: Range = (0.05, 0.2)
    noise_db: Range = (-75.0, -62.0)    # noise floor against the loudest passage
    crackle: Range = (0.0, 0.0)         # clicks a second, of an old disc
    wow: Range = (0.0, 0.0)             # greatest shift of pitch by an uneven turntable, as a share of the frequency


@dataclass(frozen=True)
class Style:
    """One genre. Ranges are drawn once an album, and a little differently for each of its pieces.

    At most one part of each role.
    """

    name: str
    tempo: Range                                     # beats a minute
    modes: tuple[tuple[str, tuple[str, ...]], ...]   # (scale, chord progressions)
    parts: tuple[Part, ...]
    forms: tuple[tuple[Section, ...], ...]
    metres: tuple[int, ...] = (4,)                   # beats a bar
    drums: tuple[tuple[tuple[str, str], ...], ...] = ()  # each a set of (drum, pattern)
    drum_level: float = 0.0                          # dB against the parts
    drum_chance: float = 1.0                         # share of the albums that have drums
    fill: tuple[tuple[str, str], ...] = ()           # in the bar before a new section
    swing: Range = (0.0, 0.0)                        # 0 = even, 1 = triplets
    swing_beats: float = 1.0                         # what is swung: 1 = pairs of eighths, 0.5 = pairs of sixteenths
    density: Range = (1.0, 2.0)                      # melody notes a beat
    leaps: float = 0.2                               # share of the melody's steps that are leaps
    gate: Range = (0.8, 0.98)                        # sounding share of a melody note
    dynamics: Range = (0.5, 0.8)                     # how hard they play, 0 to 1
    humanise: Range = (0.004, 0.010)                 # standard deviation of the onsets, seconds
    rubato: Range = (0.0, 0.0)                       # greatest slowing and hastening, as a share of the tempo
    tonics: tuple[int, ...] = tuple(range(12))       # pitch classes that players like, 0 = C
    production: Production = field(default_factory=Production)


# Forms that several genres share. A piece picks one; shares are rounded to whole bars.
_ALL = ("melody", "chords", "figure", "bass", "drums")
_SONG = (Section("intro", 0.13, ("chords", "figure", "bass"), 0.85), Section("verse", 0.37, _ALL, 0.9),
         Section("break", 0.13, ("figure", "melody", "bass"), 0.8), Section("chorus", 0.37, _ALL, 1.05))
_COLD = (Section("verse", 0.4, _ALL, 0.95), Section("break", 0.15, ("drums", "bass"), 0.9),
         Section("chorus", 0.45, _ALL, 1.05))
_RIFF = (Section("intro", 0.12, ("chords", "drums"), 1.0), Section("verse", 0.5, _ALL, 0.95),
         Section("break", 0.12, ("chords", "bass", "drums"), 1.0), Section("chorus", 0.26, _ALL, 1.05))
_BUILD = (Section("intro", 0.14, ("drums", "figure"), 0.85), Section("verse", 0.35, ("drums", "bass", "figure",
                                                                                     "chords"), 0.95),
          Section("break", 0.15, ("chords", "melody", "figure"), 0.75), Section("chorus", 0.36, _ALL, 1.05))
_CHAMBER = (Section("theme", 0.4, ("melody", "figure", "bass", "chords"), 0.85),
            Section("episode", 0.25, ("melody", "chords"), 0.6), Section("return", 0.35, _ALL, 1.05))
_SOLO = (Section("theme", 0.45, ("melody", "figure", "bass"), 0.9), Section("episode", 0.2, ("figure", "bass"), 0.65),
         Section("return", 0.35, _ALL, 1.0))
_TUNE = (Section("kick-off", 0.1, ("melody",), 0.9), Section("part A", 0.4, _ALL, 0.95),
         Section("break", 0.12, ("figure", "chords", "bass"), 0.9), Section("part B", 0.38, _ALL, 1.0))

_STYLES = (
    Style(
        name="Classical",
        tempo=(66, 116),
        metres=(4, 3),
        modes=(
            ("major", ("I IV V I", "I vi ii V I IV I/V I", "I V I IV/V I", "I ii V I", "I IV ii V")),
            ("harmonic minor", ("i iv V i", "i bVI iv V", "i V i iv/V i", "i bIII bVI V")),
        ),
        parts=(
            Part("melody", ("violin", "flute", "violin", "piano", "oboe"), register=74, level=0),
            Part("figure", ("piano", "harpsichord", "piano", "nylon guitar"),
                 ("1-3-2-3-1-3-2-3-", "1-2-3-4-3-2-3-2-", "1234321512343215", "1---2---3---2---", "1-3-2-3-2-3-",
                  "1---3---3---"),
                 register=55, level=-4, chance=0.8),
            Part("chords", ("strings", "strings", "organ"), ("x---------------", "x-------x-------", "x-----------"),
                 register=57, level=-6, chance=0.75),
            Part("bass", ("cello", "cello", "piano"), ("1---------------", "1-------3-------", "1-----------"),
                 register=36, level=-4),
        ),
        forms=(_CHAMBER, _SOLO),
        density=(0.7, 2.2), leaps=0.18, gate=(0.85, 1.0), dynamics=(0.25, 0.7),
        humanise=(0.006, 0.014), rubato=(0.01, 0.05), tonics=(0, 2, 3, 5, 7, 9, 10),
        production=Production(lowpass=(6500, 11000), tilt=(-2.0, 0.8), reverb_seconds=(0.9, 2.2),
                              reverb_mix=(0.15, 0.4),
                              noise_db=(-75, -52)),
    ),
    Style(
        name="Electronic",
        tempo=(112, 140),
        modes=(
            ("minor", ("i i bVI bVII", "i bVI bIII bVII", "i i i i", "i iv i v", "i bVII bVI bVII")),
            ("dorian", ("i i IV IV", "i bVII IV i", "i IV i IV")),
            ("major", ("vi IV I V", "I V vi IV", "IV V vi I")),
        ),
        parts=(
            Part("melody", ("saw lead", "pulse lead", "sine lead", "saw lead"), register=74, level=-3, chance=0.8),
            Part("chords", ("supersaw", "warm pad", "electric piano"),
                 ("x---------------", "x--x--x-x--x--x-", "..x-..x-..x-..x-", "x-..x-..x-..x-.."), register=55,
                 level=-3, voices=4),
            Part("figure", ("pulse lead", "saw pluck", "saw pluck"), ("1324132413241324", "1.2.3.2.4.3.2.3.",
                                                                      "1..2..3.1..2..3."),
                 register=62, level=-7, chance=0.75),
            Part("bass", ("synth bass", "sub bass", "synth bass"),
                 ("..1-..1-..1-..1-", "1.111.111.111.11", "1-----1-..1---1-", "1-1-1-1-1-1-1-4-"), register=33,
                 level=0),
        ),
        forms=(_BUILD, _COLD),
        drums=(
            (("house kick", "X...X...X...X..."), ("closed hat", "..x...x...x...x."), ("clap", "....x.......x...")),
            (("house kick", "X...X...X...X..."), ("open hat", "..x...x...x...x."), ("closed hat", "xoxoxoxoxoxoxoxo")),
            (("house kick", "X.....x...X....."), ("snare", "....X.......X..o"), ("closed hat", "x.x.x.x.x.x.xxx.")),
        ),
        fill=(("snare", "........o.o.oxxX"),),
        drum_level=1, density=(0.7, 2.2), leaps=0.25, gate=(0.4, 0.95), dynamics=(0.5, 0.95), humanise=(0.0, 0.001),
        production=Production(drive=(0.0, 1.2), lowpass=(6000, 11000), tilt=(-1.5, 1.5), reverb_seconds=(0.4, 1.8),
                              reverb_mix=(0.05, 0.3), noise_db=(-80, -62)),
    ),
    Style(
        name="Chiptune",
        tempo=(116, 168),
        modes=(
            ("major", ("I V vi IV", "I IV V V", "IV V iii vi", "I bVII IV I")),
            ("minor", ("i bVI bVII i", "i bVII bVI bVII", "i iv bVII bIII")),
        ),
        parts=(
            Part("melody", ("pulse lead",), register=76, level=0),
            Part("figure", ("pulse pluck", "pulse lead"), ("1234123412341234", "1232123212321232", "1.4.3.4.1.4.3.4.",
                                                           "1324132413241324"),
                 register=64, level=-5),
            Part("chords", ("pulse lead", "sine lead"), ("x-..x-..x-..x-..", "x---------------"), register=60,
                 level=-9, voices=2,
                 chance=0.35),
            Part("bass", ("chip triangle",), ("1-1-4-1-1-1-4-1-", "1.1.1.1.1.1.1.1.", "1---1-1-3---3-1-",
                                              "1-4-1-4-1-4-1-4-"),
                 register=40, level=-2),
        ),
        forms=(_SONG, _COLD, _BUILD),
        drums=(
            (("chip kick", "X.......X......."), ("chip snare", "....x.......x..."), ("chip hat", "x.o.x.o.x.o.x.o.")),
            (("chip kick", "X..x..x.X..x...."), ("chip snare", "....x.......x.o."), ("chip hat", "o.o.o.o.o.o.o.oo")),
        ),
        fill=(("chip snare", "........x.x.xxxx"),),
        drum_level=-3, drum_chance=0.9, density=(1.2, 3.2), leaps=0.3, gate=(0.45, 0.95), dynamics=(0.5, 0.9),
        humanise=(0.0, 0.001),
        production=Production(lowpass=(6000, 11000), tilt=(-2.0, 0.5), bits=(5, 8), reverb_seconds=(0.1, 0.4),
                              reverb_mix=(0.0, 0.08), noise_db=(-85, -65)),
    ),
    Style(
        name="Folk",
        tempo=(78, 126),
        metres=(4, 4, 3),
        modes=(
            ("major", ("I IV I V", "I V vi IV", "I I IV I V IV I I", "I vi IV V")),
            ("dorian", ("i bVII i bVII", "i i IV i", "i IV bVII i")),
            ("minor", ("i bVII bVI bVII", "i iv i bVII", "i bIII bVII i")),
        ),
        parts=(
            Part("melody", ("voice", "voice", "flute", "fiddle"), register=67, level=1),
            Part("figure", ("steel guitar", "nylon guitar", "steel guitar"),
                 ("1-4-2-4-3-4-2-4-", "1-3-4-3-2-4-3-4-", "1-2-3-4-3-4-3-2-", "1-3-4-3-4-3-", "1---4-3-4-3-"),
                 register=45, level=-1),
            Part("chords", ("steel guitar", "steel guitar", "accordion"), ("x---x-x---x-x-x-", "X---x-o-X---x-o-",
                                                                           "x---x-o-x-o-"),
                 register=50, level=-5, voices=5, strum=0.012, chance=0.5),
            Part("bass", ("upright bass", "cello"), ("1-------3-------", "1---------------", "1-----3-----"),
                 register=33, level=-4, chance=0.6),
        ),
        forms=(_SONG, _SOLO),
        drums=(
            (("shaker", "x.o.x.o.x.o.x.o."), ("stomp", "x.......x.......")),
            (("tambourine", "....x.......x..."),),
            (("shaker", "x.o.x.o.x.o."), ("stomp", "x...........")),
        ),
        drum_level=-9, drum_chance=0.4, density=(0.8, 1.9), leaps=0.15, gate=(0.8, 0.98), dynamics=(0.3, 0.7),
        humanise=(0.006, 0.014), rubato=(0.0, 0.015), tonics=(0, 2, 4, 7, 9),
        production=Production(lowpass=(4500, 10500), tilt=(-1.5, 1.0), reverb_seconds=(0.3, 1.2),
                              reverb_mix=(0.05, 0.25),
                              noise_db=(-68, -42)),
    ),
    Style(
        name="Old-Time",
        tempo=(96, 132),
        modes=(
            ("major pentatonic", ("I I IV I I I V I", "I IV I V", "I I V I", "I V I IV/V")),
            ("mixolydian", ("I I bVII I", "I bVII I V/I", "I I I bVII")),
        ),
        parts=(
            Part("melody", ("fiddle", "fiddle", "banjo", "mandolin"), register=72, level=1),
            Part("figure", ("banjo", "banjo", "mandolin"), ("1-4-2434" + "1-4-2434", "1423142314231423",
                                                            "1-5-3-5-2-5-3-5-", "2-424-5-2-424-5-"),
                 register=55, level=-3, chance=0.85),
            Part("chords", ("steel guitar",), ("....x-......x-..", "....x-o-....x-o-"), register=48, level=-4,
                 voices=5, strum=0.008),
            Part("bass", ("steel guitar", "upright bass"), ("1---....3---....", "1---....1---...."), register=38,
                 level=-2),
        ),
        forms=(_TUNE, _SONG),
        drums=((("stomp", "x...x...x...x..."),),),
        drum_level=-8, drum_chance=0.25, swing=(0.0, 0.45), density=(1.8, 3.2), leaps=0.2, gate=(0.85, 1.0),
        dynamics=(0.5, 0.85),
        humanise=(0.006, 0.013), rubato=(0.0, 0.01), tonics=(0, 2, 7, 9),
        production=Production(drive=(0.0, 1.5), lowpass=(2800, 7500), highpass=(80, 220), tilt=(-1.0, 1.0),
                              reverb_seconds=(0.15, 0.6),
                              reverb_mix=(0.02, 0.15), noise_db=(-50, -28), crackle=(0, 14), wow=(0.0, 0.004)),
    ),
    Style(
        name="Hip-Hop",
        tempo=(78, 106),
        modes=(
            ("minor", ("i i bVI bVI", "i iv i iv", "i bVI iv v", "i i i bVII")),
            ("dorian", ("i7 IV7 i7 IV7", "i7 i7 bVII bVII")),
            ("minor pentatonic", ("i i i i", "i bVII i bVI")),
            ("mixolydian", ("I7 IV7 I7 IV7", "I bVII IV I")),
            ("major", ("I vi ii V", "IV I IV V")),
        ),
        parts=(
            Part("melody", ("rap voice", "rap voice", "rap voice", "sine lead"), register=55, level=1),
            Part("chords", ("electric piano", "strings", "piano", "warm pad"), ("x---------x-----",
                                                                                "x-----x---------",
                                                                                "x---------------"),
                 register=58, level=-4, voices=4),
            Part("figure", ("nylon guitar", "electric piano", "flute", "saw pluck"), ("1---3---..4---..",
                                                                                      "..4-3-..1-....2-",
                                                                                      "4-3-1---......3-"),
                 register=64, level=-7, chance=0.6),
            Part("bass", ("sub bass", "sub bass", "electric bass"), ("1-----..1-..3---", "1-------..1-1---",
                                                                     "1--.1---......1-"), register=29, level=1),
        ),
        forms=(_SONG, _COLD, _BUILD),
        drums=(
            (("house kick", "X......x..X....."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
            (("house kick", "X..x......X..x.."), ("clap", "....X.......X..."), ("closed hat", "x.x.x.xxx.x.xxx.")),
            (("rock kick", "X.x.....x.X....."), ("snare", "....X..o.o..X..."), ("closed hat", "x.o.x.o.x.o.x.o."),
             ("open hat", "..............x.")),
        ),
        fill=(("snare", "............x.xx"),),
        drum_level=3, swing=(0.1, 0.6), swing_beats=0.5, density=(1.6, 3.0), leaps=0.1, gate=(0.6, 0.95),
        dynamics=(0.45, 0.8),
        humanise=(0.001, 0.007),
        production=Production(drive=(0.0, 1.5), lowpass=(4500, 11000), tilt=(-2.5, 0.3), bits=(8, 14),
                              reverb_seconds=(0.2, 0.7),
                              reverb_mix=(0.0, 0.12), noise_db=(-70, -46), crackle=(0, 5)),
    ),
    Style(
        name="Rock",
        tempo=(96, 146),
        modes=(
            ("mixolydian", ("I bVII IV I", "I IV I bVII", "I I bVII IV")),
            ("major", ("I V vi IV", "I IV V IV", "vi IV I V")),
            ("minor", ("i bVI bVII i", "i bVII bVI bVII", "i i bIII bVII")),
            ("blues", ("I7 I7 IV7 I7 V7 IV7 I7 V7", "i i IV i")),
        ),
        parts=(
            Part("melody", ("voice", "voice", "distorted lead"), register=68, level=0),
            Part("chords", ("distorted guitar", "distorted guitar", "crunch guitar", "steel guitar"),
                 ("X-------x-x-x---", "x-x-x-x-x-x-x-x-", "X---..x-x---..x-", "X-----x-X-----x-"), register=40,
                 level=0, power=True),
            Part("figure", ("crunch guitar", "organ", "electric piano"), ("1-2-3-4-3-2-3-2-", "x---------------",
                                                                          "4---3---2---3---"),
                 register=57, level=-7, chance=0.55),
            Part("bass", ("electric bass",), ("1-1-1-1-1-1-1-1-", "1-----1-1-----1-", "1---1---3---1-1-"),
                 register=28, level=-1),
        ),
        forms=(_RIFF, _SONG, _COLD),
        drums=(
            (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
            (("rock kick", "X.....x.X......."), ("snare", "....X.......X..."), ("ride", "x...x.o.x...x.o.")),
            (("rock kick", "X..x....X.x....."), ("snare", "....X.......X..o"), ("open hat", "x...x...x...x...")),
        ),
        fill=(("snare", "........x.xxx.xx"), ("tom", "............x.x.")),
        drum_level=5, density=(0.8, 2.0), leaps=0.2, gate=(0.7, 0.98), dynamics=(0.5, 0.95), humanise=(0.004, 0.010),
        tonics=(0, 2, 4, 5, 7, 9),
        production=Production(drive=(0.1, 0.8), lowpass=(6000, 11000), tilt=(-1.0, 1.5), reverb_seconds=(0.3, 1.0),
                              reverb_mix=(0.03, 0.18), noise_db=(-70, -45)),
    ),
    Style(
        name="Punk",
        tempo=(148, 180),
        modes=(
            ("major", ("I IV V V", "I IV I V", "I V IV IV", "I vi IV V")),
            ("minor pentatonic", ("i bIII IV i", "i bVI bVII i", "i i bVI bVII")),
        ),
        parts=(
            Part("melody", ("shout voice", "voice", "shout voice"), register=65, level=-1),
            Part("chords", ("distorted guitar", "distorted guitar", "crunch guitar"),
                 ("x-x-x-x-x-x-x-x-", "xxx-xxx-xxx-xxx-", "X-x-x-x-X-x-x-x-", "xxxxxxxxxxxxxxxx"), register=40,
                 level=1, power=True),
            Part("bass", ("electric bass",), ("1-1-1-1-1-1-1-1-", "1-1-1-1-3-3-1-1-"), register=28, level=-1),
        ),
        forms=(_RIFF, _COLD),
        drums=(
            (("rock kick", "X...X...X...X..."), ("snare", "..X...X...X...X."), ("closed hat", "x.x.x.x.x.x.x.x.")),
            (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("open hat", "x.x.x.x.x.x.x.x.")),
            (("rock kick", "X..x..x.X..x..x."), ("snare", "....X.......X..."), ("crash", "x...x...x...x...")),
        ),
        fill=(("snare", "xxxxxxxxxxxxxxxx"),),
        drum_level=6, density=(1.0, 2.0), leaps=0.1, gate=(0.5, 0.9), dynamics=(0.7, 1.0), humanise=(0.005, 0.012),
        tonics=(0, 2, 4, 5, 7, 9),
        production=Production(drive=(0.3, 1.2), lowpass=(4500, 10500), highpass=(40, 110), tilt=(-0.5, 2.0),
                              reverb_seconds=(0.15, 0.6),
                              reverb_mix=(0.0, 0.12), noise_db=(-60, -38)),
    ),
)

STYLES: dict[str, Style] = {style.name: style for style in _STYLES}
GENRES: tuple[str, ...] = tuple(STYLES)


def find_style(genre: str) -> Style:
    """The style called `genre`.

    Raises ValueError that lists the known genres when there is none of that name.
    """
    if genre not in STYLES:
        raise ValueError(f"There is no genre {genre!r} in the composed corpus. Expected one of: {', '.join(GENRES)}. "
                         "To add one, see labkit/corpus/styles.py.")
    return STYLES[genre]
