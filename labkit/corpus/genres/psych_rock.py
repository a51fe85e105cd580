"""Psych-Rock."""

from labkit.corpus.genres.forms import ALL, DROP, LIFT, QUIET, SOLO, STEADY, SWELL, VAMP
from labkit.corpus.styles import Mood, Part, Production, Section, Style

_JAM = (Section("vamp", 0.35, ("melody", "pad", "bass", "drums"), 0.8),
        Section("solo", 0.35, ("answer", "figure", "pad", "bass", "drums"), 0.95), Section("height", 0.3, ALL, 1.12))

STYLE = Style(
    name="Psych-Rock",
    listen="One or two chords go round for minutes under fuzz, organ or sitar, sung from far away in echo and "
           "phaser. In the picture: an even tide of bass and drums under blurred lines, and little that stands still "
           "or stops.",
    mood=Mood(valence=(0.38, 0.25), energy=(0.56, 0.24), danceability=(0.39, 0.15), assumed="Rock, valence - 0.04, "
              "energy - 0.08"),
    tempo=(58, 172), metres=(4, 4, 4, 4, 4, 4, 3), swing=(0.0, 0.35), drift=(0.0, 0.03), rubato=(0.0, 0.02),
    humanise=(0.004, 0.018), density=(0.5, 2.3), compass=10, leaps=0.2, rests=0.4, gate=(0.65, 1.0),
    dynamics=(0.15, 0.98),
    modes=(
        ("major", ("I IV I IV", "I bVII IV I", "Imaj7 IVmaj7", "I II IV I", "I iii bVII IV", "Iadd9 Iadd9 IV iv")),
        ("mixolydian", ("I I bVII I", "I bVII IV I", "I7 I7 I7 I7", "I5 I5 bVII IV", "I v I IV")),
        ("phrygian dominant", ("I I bII I", "I5 I5 I5 bII", "I5 I5 I5 I5")),
        ("dorian", ("i IV i IV", "i i i i", "i7 IV7 i7 IV7", "i bVII IV i", "i i bIII IV")),
        ("minor pentatonic", ("i5 i5 bIII5 iv5", "i5 i5 i5 bVII5", "i5/i5/bIII5/iv5 i5", "i7 i7 bVII IV")),
        ("minor", ("i bVII bVI bVII", "i i bVI bVII", "i v bVI iv", "i i v i")),
    ),
    # The bands in order: pastoral, mellotron, raga rock, garage with organ, blues jam, fuzz trio, heavy drone, motorik
    # with synthesisers, recent studio pop.
    consort=True,
    parts=(
        Part("melody", ("soft voice", "flute", "soft voice", "voice", "sitar", "voice", "voice", "rock organ", "voice",
                        "electric guitar", "voice", "fuzz guitar", "soft voice", "fuzz guitar", "soft voice",
                        "saw lead", "soft voice", "soft voice"), register=62,
             effects=("echo", "tape", "phaser", "telephone"), chance=0.8),
        Part("answer", ("flute", "tape flute", "sitar", "harmonica", "electric guitar", "fuzz guitar", "distorted lead",
                        "electric guitar", "sine lead"), register=68, level=-2, effects=("echo", "wah", "phaser"),
             chance=0.6),
        Part("chords", ("steel guitar", "electric guitar", "twelve-string guitar", "crunch guitar", "rock organ",
                        "fuzz guitar", "fuzz guitar", "crunch guitar", "electric piano"),
             ("x---------------", "x-------x---x-o-", "x---x-o-x---x-o-", "x---x---x---x---", "X--x--x-------..",
              "..x-....x-....x-", "X---..x-x---....", "X-x-..x-X-..x-..", "X-------....x---", "xoxoXoxoxoxoXoxo",
              "x---------------", "x-----------", "x---o---o---"), register=47, level=-2, voices=4, strum=0.008,
             effects=("phaser", "tremolo", "spring"), chance=0.85),
        Part("figure", ("nylon guitar", "electric guitar", "sitar", "electric guitar", "electric guitar",
                        "crunch guitar", "electric guitar", "saw pluck", "electric guitar"),
             ("1-4-3-4-2-4-3-4-", "1---4---3---5---", "4-4-5-4-4-4-3-4-", "1---..4-3---..2-", "1.1.4.1.3.1.4.1.",
              "1-1-..4-3-..1---", "1---1-3-4-....--", "4-4-4-4-3-3-4-4-", "1343134413431344", "1..4..3.1..4..5.",
              "1---4---3---", "1-4-5-4-3-4-"), register=50, level=-4, effects=("echo", "phaser", "tremolo"),
             chance=0.6),
        Part("pad", ("", "tape flute", "harmonium", "organ", "organ", "rock organ", "dark drone", "warm pad",
                     "warm pad"),
             ("x---------------", "x-------x-------", "x-----------"), register=52, level=-5, voices=3,
             effects=("phaser", "chorus"), chance=0.65),
        Part("bass", ("upright bass", "electric bass", "electric bass", "picked bass", "electric bass", "picked bass",
                      "electric bass", "picked bass", "electric bass"),
             ("1---------------", "1-------3---w---", "1---1-3-1---1-w-", "1-1-..1-3-..1-..", "1--1..4.3--3..1.",
              "1---1---3---4---", "1-..1-4-3-..1-w-", "1-1-1-1-1-1-1-1-", "1-1-1-4-3-1-1-4-", "1.1...1.4..1..3.",
              "1-----------", "1---1-3-4---"), register=29, effects=("fuzz",), chance=0.92),
    ),
    drums=(
        (), (("tambourine", "....x.......x..."),),
        (("low conga", "x.......x.....x."), ("high conga", "..o.x.o...o.x.o.")),
        (("rock kick", "X......xX......."), ("snare", "....x.......x..o"), ("ride", "x.o.x.o.x.o.x.o.")),
        (("low tabla", "x..o..x.x.....o."), ("high tabla", "..x.x.o...x.x.oo"), ("tambourine", "....x.......x...")),
        (("rock kick", "X...x...X...x..."), ("snare", "....X.......X..."), ("tambourine", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.......X.x....."), ("snare", "..X.X.....X.X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.....x.X.x....."), ("snare", "....X..o....X.o."), ("ride", "x.o.x.o.x.o.x.o.")),
        (("rock kick", "X..x....X.xx...."), ("snare", "....X.......X..."), ("open hat", "x...x...x...x...")),
        (("rock kick", "X.......x.x....."), ("snare", "........X......."), ("crash", "x.......x.......")),
        (("floor tom", "X..x..x.X..x..x."), ("tom", "....x.......x.x."), ("rock kick", "X.......X.......")),
        (("rock kick", "X.x...x.X.x...x."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X...x...X.x.x..."), ("snare", "....X.......X..."), ("closed hat", "xoxoxoxoxoxoxoxo")),
        (("rock kick", "X..x..x...x....."), ("snare", "....X..o.o..X..o"), ("closed hat", "x.xxx.x.x.xxx.x.")), (),
        (("rock kick", "X.....o....."), ("snare", "....x...X..."), ("ride", "x.o.x.o.x.o.")),
    ),
    fill=(("snare", "........x..xx.x."), ("tom", "..........x.xx.."), ("floor tom", "..............xx")),
    drum_level=3, drum_chance=0.92,
    forms=(STEADY, VAMP, _JAM, _JAM, SOLO, LIFT, DROP, SWELL, QUIET),
    production=Production(slope=(-8.4, -3.8), lowpass=(4500, 14500), highpass=(20, 95), width=(0.0, 0.5),
                          rooms=("room", "spring", "plate", "hall", "chamber"), reverb_seconds=(0.3, 2.6),
                          reverb_mix=(0.05, 0.4), echo_mix=(0.0, 0.22), compression=(0.1, 0.75), drive=(0.0, 1.5),
                          wow=(0.0, 0.003), noise_db=(-72, -45)),
)
