"""Post-Rock."""

from labkit.corpus.genres.forms import ALL, QUIET, STEADY, SWELL
from labkit.corpus.styles import Mood, Part, Production, Section, Style

_EBB = (Section("height", 0.3, ALL, 1.12), Section("calm", 0.4, ("figure", "bass", "pad"), 0.6),
        Section("rise", 0.3, ("answer", "pad", "figure", "bass", "drums"), 0.85))
_WAVES = (Section("calm", 0.28, ("figure", "pad", "bass"), 0.6), Section("height", 0.24, ALL, 1.12),
          Section("calm", 0.24, ("melody", "figure", "bass", "drums"), 0.7), Section("height", 0.24, ALL, 1.15))

STYLE = Style(
    name="Post-Rock",
    listen="Clean guitars, piano or strings repeat a figure, more and more players join, until tremolo-picked "
           "guitars and cymbals cover all. In the picture: thin lines on dark ground, which thicken into a wall.",
    mood=Mood(valence=(0.25, 0.2), energy=(0.52, 0.26), danceability=(0.29, 0.13), assumed="Rock, valence - 0.17, "
              "energy - 0.12, danceability - 0.10"),
    tempo=(52, 158), metres=(4, 4, 4, 4, 3), drift=(0.0, 0.025), rubato=(0.0, 0.03), humanise=(0.004, 0.016),
    density=(0.35, 1.9), compass=11, leaps=0.22, rests=0.35, gate=(0.8, 1.0), dynamics=(0.1, 0.98),
    modes=(
        ("major", ("I I vi vi IV IV I V", "Iadd9 IVadd9 vi7 IV", "Imaj7 iii7 IVmaj7 IVmaj7", "IV I V vi", "vi IV I V",
                   "I Isus2 IV vi")),
        ("minor", ("i i bVI bVI bIII bIII bVII bVII", "i bVI bIII bVII", "i bVI iv iv", "iadd9 bVImaj7 bIII v",
                   "i v bVI bVI", "bVI bVI i i")),
        ("lydian", ("Imaj7 II Imaj7 II", "Iadd9 iii7 II Iadd9", "IVmaj7 IVmaj7 I I")),
        ("dorian", ("i IV i IV", "isus2 isus2 IV bVII", "i bIII IV IV")),
        ("harmonic minor", ("i iv V i", "i bVI V V")),
    ),
    # The bands in order: felt piano, chamber with strings, ambient guitars, clean interlocking guitars, jazz-tinged
    # with vibraphone, guitar band of crescendos, wall of sound, synthesisers, sludge.
    consort=True,
    parts=(
        Part("melody", ("felt piano", "violin", "cello", "violin", "soft voice", "swell guitar", "electric guitar",
                        "electric guitar", "vibraphone", "trumpet", "electric guitar", "distorted lead",
                        "distorted lead", "swell guitar", "soft voice", "saw lead", "distorted lead", "shout voice"),
             register=67, level=-1, effects=("echo", "tape"), chance=0.65),
        Part("answer", ("cello", "cello", "electric guitar", "celesta", "trumpet", "swell guitar", "swell guitar",
                        "electric guitar", "swell guitar"), register=64, level=-3, effects=("echo",), chance=0.5),
        Part("chords", ("felt piano", "strings", "swell guitar", "electric guitar", "jazz guitar", "crunch guitar",
                        "distorted guitar", "distorted guitar", "distorted guitar"),
             ("x---------------", "x-------o-------", "x---------------", "x--x--x-x--x--x-", "x---------x-----",
              "x-x-x-x-x-x-x-x-", "X-oxX-oxX-oxX-ox", "x---x---x---x---", "X-----x-X---....", "x-----------",
              "xoxoxoxoxoxo"), register=47, level=-2, voices=4, strum=0.006, effects=("tremolo", "chorus"),
             chance=0.82),
        Part("figure", ("felt piano", "piano", "electric guitar", "electric guitar", "vibraphone", "electric guitar",
                        "electric guitar", "glass pad", "electric guitar"),
             ("1---4---3-------", "1-3-4-3-2-3-4-3-", "1---..4-..3-5---", "4-5-3-4-5-3-4-5-", "1-4-5-4-3-4-5-4-",
              "1--4--5-3--4--6-", "4444555544443333", "5555555544446666", "4-4-4-4-5-5-4-4-", "1-------4---3---",
              "1-4-5-4-3-4-", "444444555555"), register=55, level=-1, effects=("echo", "echo", "chorus"), chance=0.9),
        Part("pad", ("strings", "strings", "glass pad", "warm pad", "strings", "tremolo strings", "choir", "warm pad",
                     "dark drone"), ("x---------------", "x-------x-------", "x-----------"), register=55, level=-6,
             voices=4, effects=("tape",), chance=0.6),
        Part("bass", ("cello", "upright bass", "electric bass", "electric bass", "upright bass", "electric bass",
                      "picked bass", "synth bass", "picked bass"),
             ("1---------------", "1-------1-------", "1---------3-----", "1---1---1---w---", "1--1--1-3--3--w-",
              "1-1-1-1-1-1-1-1-", "1-1-1-1-1-1-1-1-", "1---1-1-1---1-1-", "1---------1-....", "1-----------",
              "1-1-1-1-3-w-"), register=29, chance=0.85),
    ),
    drums=(
        (), (), (("timpani", "x.......o......."),),
        (("rock kick", "x.......x......."), ("rim click", "....x.......x...")),
        (("rock kick", "X......x..x....."), ("snare", "........X......."), ("ride", "x...x...x...x...")),
        (("jazz kick", "x..x..x...x..x.."), ("brush snare", "....x..o.o..x..o"), ("ride", "x.oxx.o.x.oxx.o.")),
        (("rock kick", "X.....x.X.x....."), ("snare", "....X.......X..."), ("ride", "x.x.x.x.x.x.x.x.")),
        (("floor tom", "x..x..x.x..x..x."), ("rock kick", "X.......X......."), ("snare", "....x.......x.xx")),
        (("rock kick", "X...X...X...X..."), ("snare", "x.x.x.x.x.xxxxxx"), ("crash", "x...x...x...x...")),
        (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("crash", "x...x...x...x...")),
        (("house kick", "X.....x.X......."), ("electronic snare", "....x.......x..."),
         ("closed hat", "x.xxx.xxx.xxx.xx")),
        (("rock kick", "X.....x...x....."), ("snare", "........X......."), ("crash", "x.......x.......")),
        (("rock kick", "X.........o."), ("snare", "......X....."), ("ride", "x.x.x.x.x.x.")),
        (("rock kick", "X.....x....."), ("snare", "....x...X..."), ("crash", "x.....x.....")), (),
    ),
    fill=(("snare", "........o.oxx.xx"), ("floor tom", "........x...x.x.")), drum_level=2, drum_chance=0.85,
    forms=(SWELL, SWELL, _WAVES, _WAVES, _EBB, STEADY, QUIET,
           (Section("opening", 0.4, ("figure", "pad"), 0.7), Section("rise", 0.35, ("figure", "answer", "pad", "bass",
                                                                                   "drums"), 0.85),
            Section("height", 0.25, ALL, 1.15))),
    production=Production(slope=(-9.6, -4.2), mastering=(0.3, 0.8), lowpass=(4500, 15000), highpass=(20, 70),
                          width=(0.0, 0.6), rooms=("hall", "plate", "room", "chamber"), reverb_seconds=(0.4, 3.6),
                          reverb_mix=(0.06, 0.45), echo_mix=(0.0, 0.25), compression=(0.0, 0.6), drive=(0.0, 1.0),
                          wow=(0.0, 0.001), noise_db=(-72, -45)),
)
