"""Indie-Rock."""

from labkit.corpus.genres.forms import LIFT, QUIET, SOLO, SONG, STEADY, STOP, VAMP
from labkit.corpus.styles import Mood, Part, Production, Style

STYLE = Style(
    name="Indie-Rock",
    listen="Ringing or roughened guitars in eighths, a plain voice half buried in them, a dry drum kit. In the "
           "picture: a haze of guitar over the whole width in which the bars of snare and cymbals stand, and few "
           "clear lines.",
    mood=Mood(valence=(0.42, 0.25), energy=(0.58, 0.23), danceability=(0.41, 0.15), assumed="Rock, energy - 0.06, "
              "danceability + 0.02"),
    tempo=(72, 184), metres=(4, 4, 4, 4, 4, 4, 3), swing=(0.0, 0.15), drift=(0.0, 0.02), rubato=(0.0, 0.01),
    humanise=(0.003, 0.014), density=(0.6, 2.0), compass=8, leaps=0.18, rests=0.35, gate=(0.6, 0.99),
    dynamics=(0.2, 0.92),
    modes=(
        ("major", ("I IV I IV", "I V vi IV", "IV I V V", "I iii IV V", "I IV iv I", "Iadd9 IVadd9",
                   "Isus2 IVsus2 vi7 IV", "Imaj7 IVmaj7 Imaj7 V")),
        ("minor", ("i bVI bIII bVII", "i bVII bVI bVI", "i iv bVI v", "i bIII bVII IV")),
        ("mixolydian", ("I bVII IV I", "I v IV I", "I IV bVII IV")),
        ("dorian", ("i IV i IV", "i v IV IV", "i bIII IV i")),
    ),
    # The bands in order: acoustic, chamber, jangling guitars, new wave, lo-fi, garage, noise, dream pop, synthesisers.
    consort=True,
    parts=(
        Part("melody", ("soft voice", "voice", "voice", "soft voice", "voice", "voice", "voice", "voice", "soft voice",
                        "voice", "shout voice", "voice", "voice", "distorted lead", "soft voice", "soft voice", "voice",
                        "voice"), register=62, level=-1, effects=("slapback", "tape", "telephone"), chance=0.87),
        Part("answer", ("soft voice", "trumpet", "electric guitar", "electric guitar", "celesta", "voice",
                        "crunch guitar", "swell guitar", "pulse lead"), register=69, level=-3,
             effects=("chorus", "echo"), chance=0.5),
        Part("chords", ("steel guitar", "piano", "electric guitar", "electric guitar", "electric guitar",
                        "electric guitar", "crunch guitar", "crunch guitar", "distorted guitar", "electric guitar",
                        "swell guitar", "electric piano"),
             ("x-------x---x---", "x---x-o-x---x-o-", "x---------------", "x-x-x-x-x-x-x-x-", "x--x--x-x--x--x-",
              "xoxoxoxoxoxoxoxo", "x---x---x---x---", "x-x-x-x-xoxoxoxo", "x---------------", "x-----x-----",
              "x-o-x-o-x-o-"), register=48, level=-1, voices=4, strum=0.006, effects=("spring", "tremolo"),
              chance=0.92),
        Part("figure", ("steel guitar", "felt piano", "electric guitar", "electric guitar", "muted guitar",
                        "crunch guitar", "crunch guitar", "electric guitar", "saw pluck"),
             ("1-------3-------", "1-3-4-3-2-3-4-3-", "1---4---3---2---", "4-4-3-3-4-4-5-5-", "4.4.4.4.3.3.3.3.",
              "4---5---3-------", "4343434353535353", "1---4---3---", "1-3-4-3-4-3-"), ring=True, register=55, level=-3,
             effects=("chorus", "echo", "tremolo"), chance=0.7),
        Part("pad", ("", "strings", "", "organ", "", "", "organ", "warm pad", "synth brass"),
             ("x---------------", "x-------x-------", "x-----------"), register=55, level=-8, voices=3, chance=0.6),
        Part("bass", ("upright bass", "electric bass", "electric bass", "picked bass", "electric bass", "picked bass",
                      "picked bass", "electric bass", "synth bass"),
             ("1-------1---w---", "1---1---1---1---", "1-----1-3-----1-", "1-1-1-1-1-1-1-1-", "1---1---1---1---",
              "1-..1-1-3-..1-w-", "1---------------", "1-1-1-1-1-1-1-1-", "1-----------", "1---1---3---"), register=29,
              level=1, chance=0.88),
    ),
    drums=(
        (("tambourine", "....x.......x..."), ("stomp", "x.......x.......")),
        (("rock kick", "X.......X......."), ("snare", "....x.......x..."), ("ride", "x...x...x...x...")),
        (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X...X...X...X..."), ("snare", "....X.......X..."), ("closed hat", "xoxoxoxoxoxoxoxo"),
         ("open hat", "..x...x...x...x.")),
        (("floor tom", "x..x..x.x..x..x."), ("rock kick", "X.......X......."), ("tambourine", "....x.......x...")),
        (("rock kick", "X.x...x.X.x....."), ("snare", "....X.......X.o."), ("open hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.......X......."), ("snare", "....X.......X..."), ("crash", "x...x...x...x...")),
        (("electronic snare", "....x.......x..."), ("house kick", "X.....x.X......."),
         ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.....o....."), ("snare", "....x...X..."), ("closed hat", "x.x.x.x.x.x.")),
        (("rock kick", "X.......x..."), ("snare", "......X....."), ("crash", "x...........")),
    ),
    fill=(("snare", "........x.xxx.xx"), ("floor tom", "............x.xx")), drum_level=3, drum_chance=0.92,
    forms=(STEADY, SONG, LIFT, SOLO, STOP, VAMP, QUIET),
    production=Production(slope=(-7.9, -4.6), lowpass=(5500, 16000), highpass=(20, 90), width=(0.0, 0.5),
                          rooms=("plate", "spring", "room", "hall"), reverb_seconds=(0.2, 2.0),
                          reverb_mix=(0.1, 0.38), echo_mix=(0.0, 0.1), compression=(0.25, 0.8), drive=(0.0, 0.9),
                          wow=(0.0, 0.0015), noise_db=(-72, -40)),
)
