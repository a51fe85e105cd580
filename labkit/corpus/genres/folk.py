"""Folk."""

from labkit.corpus.genres.forms import LIFT, QUIET, SONG, STEADY, STOP
from labkit.corpus.styles import Mood, Part, Production, Section, Style

STYLE = Style(
    name="Folk",
    listen="A voice or a fiddle with a picked or strummed guitar, close by, and little or nothing beneath. In the "
           "picture: fine upright strokes of the plucked strings, crossed by the wavy parallel lines of the voice.",
    mood=Mood(valence=(0.34, 0.23), energy=(0.28, 0.18), danceability=(0.43, 0.15)),
    tempo=(54, 148), metres=(4, 4, 4, 3), swing=(0.0, 0.4), drift=(0.0, 0.03), rubato=(0.0, 0.05),
    humanise=(0.006, 0.020), density=(0.5, 2.1), compass=9, leaps=0.16, rests=0.35, gate=(0.75, 0.99),
    dynamics=(0.1, 0.78),
    modes=(
        ("major", ("I IV I V", "I V vi IV", "I I IV I V IV I I", "I vi IV V", "I iii IV I", "I/V vi/IV I/V I",
                   "I I V V I I V I", "vi IV I V", "I IV/I I/V I", "I ii IV I")),
        ("mixolydian", ("I bVII I bVII", "I bVII IV I", "I I bVII I")),
        ("dorian", ("i bVII i bVII", "i i IV i", "i bVII bIII IV")),
        ("minor", ("i bVII bVI bVII", "i iv i bVII", "i bIII bVII i", "i bVI bIII bVII")),
    ),
    # The bands in order: one singer with a guitar (three kinds), nylon strings, piano, banjo, string band, Celtic,
    # squeeze box, a group with twelve strings and drums, guitar alone, chamber folk.
    consort=True,
    parts=(
        Part("melody", ("voice", "soft voice", "voice", "soft voice", "voice", "voice", "fiddle", "flute", "voice",
                        "voice", "steel guitar", "soft voice"), register=63, level=1, chance=0.88),
        Part("answer", ("", "soft voice", "harmonica", "", "soft voice", "fiddle", "mandolin", "fiddle", "violin",
                        "voice", "", "cello"), register=70, level=-3, chance=0.6),
        Part("figure", ("steel guitar", "steel guitar", "steel guitar", "nylon guitar", "piano", "banjo", "banjo",
                        "harp", "accordion", "twelve-string guitar", "steel guitar", "felt piano"),
             ("1---3---4---3---", "1-4-2-4-3-4-2-4-", "1-------3---4---", "1-5-3-6-1-4-3-5-", "1---3---4---3---",
              "1-354-3-1-354-3-", "1453145314531453", "1-4-3-4-1-4-3-4-", "1-------4-5-3---", "1---4---5-4-3---",
              "1---4---5---", "1-4-5-4-1-35", "1-3-4-3-4-3-"), ring=True, register=41, chance=0.92),
        Part("chords", ("steel guitar", "steel guitar", "steel guitar", "", "", "steel guitar", "steel guitar",
                        "steel guitar", "accordion", "steel guitar", "", "strings"),
             ("x-------x---o---", "x---x-o-x---x-o-", "x---------------", "X-o-x-xo-oxox-o-", "x---o---x---o---",
              "xoxoXoxoxoxoXoxo", "x---------------", "x---o---o---", "x-o-x-o-x-o-"), register=45, level=-4, voices=5,
             strum=0.016, chance=0.5),
        Part("pad", ("", "", "", "strings", "", "organ", "", "harmonium", "harmonium", "accordion", "", "strings"),
             ("x---------------", "x-------x-------", "x-----------"), register=55, level=-8, voices=3, chance=0.45),
        Part("bass", ("", "", "upright bass", "upright bass", "upright bass", "upright bass", "upright bass",
                      "upright bass", "", "electric bass", "", "cello"),
             ("1---------------", "1-------3-------", "1---..1-3---..w-", "1---3---1---3---", "1-------3-------",
              "1-----------", "1-------3---"), register=31, level=-1, chance=0.85),
    ),
    drums=(
        (), (), (("shaker", "x...x...x...x..."),), (), (("tambourine", "....x.......x..."),
                                                        ("stomp", "x.......x.......")),
        (("stomp", "x...x...x...x..."),), (("djembe", "x..o..x.o.x.o..."), ("shaker", "x.o.x.o.x.o.x.o.")),
        (("stomp", "x.......x......."),),
        (("rock kick", "x.......x......."), ("brush snare", "o.o.x.o.o.o.x.o."), ("shaker", "xoxoxoxoxoxoxoxo")),
        (("rock kick", "X.......X.x....."), ("snare", "....x.......x..."), ("tambourine", "x.o.x.o.x.o.x.o.")), (), (),
        (("stomp", "x..........."), ("tambourine", "....o...o...")),
        (("djembe", "x..o..x.o.x."), ("shaker", "x.o.x.o.x.o.")), (),
    ),
    drum_level=-7, drum_chance=0.5,
    forms=(STEADY, QUIET, SONG, LIFT, STOP, (Section("verse", 0.7, ("melody", "figure", "chords"), 1.0),
                                           Section("break", 0.3, ("figure", "answer", "bass"), 0.9))),
    production=Production(slope=(-9.6, -5.2), mastering=(0.45, 0.9), lowpass=(4500, 15000), highpass=(20, 80),
                          rooms=("room", "room", "chamber", "hall", "spring"), reverb_seconds=(0.2, 1.8),
                          reverb_mix=(0.02, 0.26), compression=(0.0, 0.3), drive=(0.0, 0.4), wow=(0.0, 0.0015),
                          noise_db=(-76, -36), crackle=(0.0, 0.5)),
)
