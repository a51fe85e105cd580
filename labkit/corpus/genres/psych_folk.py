"""Psych-Folk."""

from labkit.corpus.genres.forms import QUIET, STEADY, SWELL, VAMP
from labkit.corpus.styles import Mood, Part, Production, Style

STYLE = Style(
    name="Psych-Folk",
    listen="Plucked strings, drones and far-away voices that circle around one or two chords in much echo. In the "
           "picture: an unbroken band of drone below, blurred strokes and lines above, often under a veil of hiss.",
    mood=Mood(valence=(0.29, 0.21), energy=(0.28, 0.2), danceability=(0.38, 0.15),
              assumed="Folk, valence and danceability - 0.05"),
    tempo=(46, 148), metres=(4, 4, 4, 3), swing=(0.0, 0.3), drift=(0.0, 0.05), rubato=(0.0, 0.06),
    humanise=(0.006, 0.026), density=(0.4, 2.2), compass=9, leaps=0.18, rests=0.4, gate=(0.7, 1.0),
    dynamics=(0.1, 0.85),
    modes=(
        ("mixolydian", ("I I I I", "I I bVII I", "I bVII IV I", "I5 bVII I5 I5")),
        ("dorian", ("i i i i", "i i IV i", "i bVII i bVII", "i7 IV i7 v7")),
        ("minor", ("i i bVI i", "i bVII bVI bVII", "i v i bVI", "i i i i")),
        ("major", ("Iadd9 Iadd9 IV I", "I IV I V", "Isus4 I Isus2 I", "Imaj7 IVmaj7")),
        ("phrygian dominant", ("I I bII I", "I5 I5 I5 bII", "I bII bvii I")),
    ),
    parts=(
        Part("melody", ("soft voice", "voice", "voice", "soft voice", "soft voice", "flute", "sitar", "fuzz guitar",
                        "tape flute", "violin"), register=63, effects=("echo", "tape", "phaser"), chance=0.8),
        Part("answer", ("soft voice", "flute", "fiddle", "sitar", "banjo", "electric guitar", "distorted lead",
                        "tape flute", "saxophone"), register=68, level=-3, effects=("echo", "spring", "wah"),
                        chance=0.4),
        Part("figure", ("steel guitar", "nylon guitar", "steel guitar", "twelve-string guitar", "banjo", "harp",
                        "sitar", "electric guitar", "oud", "celesta"),
             ("1-------4-------", "1---4---3---4---", "1-4-3-4-5-4-3-4-", "1-5-3-6-1-4-3-5-", "1434143414341434",
              "1---4---3---", "1-4-5-4-3-4-"), ring=True, register=45, effects=("tremolo", "chorus"), chance=0.85),
        Part("chords", ("steel guitar", "twelve-string guitar", "steel guitar", "nylon guitar", "organ",
                        "electric guitar"),
             ("x---------------", "x-------o-------", "x---x-o-x---x-o-", "x-xox-xox-xox-xo", "x-----------",
              "x---o---o---"), register=48, level=-4, voices=5, strum=0.02, effects=("phaser", "tremolo"), chance=0.5),
        Part("pad", ("harmonium", "harmonium", "organ", "tape flute", "dark drone", "sitar", "strings", "choir"),
             ("x---------------", "x-------x-------", "x-----------"), register=48, level=-2, voices=2,
             effects=("tape", "chorus"), chance=0.75),
        Part("bass", ("upright bass", "electric bass", "cello", "harmonium"),
             ("1---------------", "1-------1-------", "1-----1---3-----", "1---1-3-1---1-w-", "1-----------",
              "1-------3---"), register=33, level=-3, chance=0.5),
    ),
    drums=(
        (("shaker", "x...x...x...x..."),),
        (("floor tom", "x.......x.....o."), ("tambourine", "....x.......x...")),
        (("high tabla", "..o.x..o..o.x.o."), ("low tabla", "x.......x.......")),
        (("low conga", "x.......x.....x."), ("high conga", "..o.x.o...o.x.o."), ("shaker", "xoxoxoxoxoxoxoxo")),
        (("rock kick", "X......xX......."), ("snare", "....x.......x..o"), ("ride", "x.o.x.o.x.o.x.o.")),
        (("floor tom", "x.....o....."), ("tambourine", "....o...o...")),
    ),
    drum_level=-4, drum_chance=0.45,
    forms=(STEADY, QUIET, SWELL, VAMP),
    production=Production(slope=(-9.2, -4.6), lowpass=(3400, 11000), highpass=(20, 130),
                          rooms=("spring", "plate", "hall", "chamber", "room"), reverb_seconds=(0.8, 3.2),
                          reverb_mix=(0.12, 0.42), echo_mix=(0.0, 0.25), compression=(0.0, 0.5), drive=(0.0, 1.5),
                          wow=(0.0, 0.005), noise_db=(-64, -30), crackle=(0.0, 0.5)),
)
