"""Blues."""

from labkit.corpus.genres.forms import QUIET, SOLO, SONG, STEADY, STOP, VAMP
from labkit.corpus.styles import Mood, Part, Production, Style

STYLE = Style(
    name="Blues",
    listen="A sung or bent line that an instrument answers, over a shuffle of dominant seventh chords in twelve "
           "bars. In the picture: gliding parallel lines with pauses between them, and pairs of strokes of uneven "
           "distance.",
    mood=Mood(valence=(0.46, 0.25), energy=(0.31, 0.21), danceability=(0.47, 0.15)),
    tempo=(54, 168), metres=(4, 4, 4, 4, 3), swing=(0.0, 1.0), drift=(0.0, 0.03), rubato=(0.0, 0.03),
    humanise=(0.006, 0.018), density=(0.7, 2.4), compass=11, leaps=0.25, rests=0.4, gate=(0.7, 0.98),
    dynamics=(0.2, 0.9),
    modes=(
        ("blues", ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 V7 I7 I7", "I7 I7 I7 I7")),
        ("mixolydian", ("I7 V7 IV7 IV7 I7 V7 I7 V7", "I I7 IV iv I/VI7 II7/V7 I V7", "I7 I7 IV7 I7 I7 V7 I7 I7")),
        ("minor pentatonic", ("i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 V7", "i i iv i v iv i i", "I7 I7 bIII IV7")),
        ("major pentatonic", ("I I I I7 IV IV I I V7 V7 I I", "I VI7 II7 V7", "I I7 IV I V7 IV I V7")),
    ),
    # The bands in order: one singer with a guitar, with a harmonica, piano boogie, jug band, Chicago, jump, soul, rock.
    consort=True,
    parts=(
        Part("melody", ("voice", "slide guitar", "voice", "steel guitar", "voice", "harmonica", "voice", "piano",
                        "voice", "harmonica", "electric guitar", "voice", "saxophone", "voice", "voice",
                        "electric guitar", "voice", "distorted lead"), register=61, level=1,
             effects=("spring", "slapback"), chance=0.9),
        Part("answer", ("", "slide guitar", "harmonica", "fiddle", "harmonica", "electric guitar", "trumpet",
                        "electric guitar", "crunch guitar"), register=69, level=-2, effects=("spring", "tremolo"),
             chance=0.7),
        Part("chords", ("", "steel guitar", "steel guitar", "piano", "banjo", "electric guitar", "brass section",
                        "organ", "crunch guitar"),
             ("x---------------", "x-o.x-o.x-o.x-o.", "....x-......x-..", "..x-..x-..x-..x-", "x-----..x-----..",
              "x-xox-xox-xox-xo", "x---x---x---", "..x-..x-..x-"), register=50, level=-3, voices=4, strum=0.012,
             effects=("tremolo",), chance=0.85),
        Part("figure", ("steel guitar", "steel guitar", "steel guitar", "honky-tonk piano", "twelve-string guitar",
                        "electric guitar", "piano", "electric piano", "crunch guitar"),
             ("1-------3---4---", "1-2-3-4-5-4-3-2-", "1---3---4---3---", "1-43..1-1-43..21", "1-------4---3---",
              "1-1-3-3-4-4-3-3-", "1---3---4---", "1-3-4-3-4-3-"), ring=True, register=45, level=-3, chance=0.7),
        Part("bass", ("", "steel guitar", "upright bass", "", "upright bass", "electric bass", "upright bass",
                      "electric bass", "picked bass"),
             ("1-------3-------", "1---2---3---4---", "1-------3---w---", "1---w---3---w---", "1-..1-3.4-..3-..",
              "1-1-2-2-3-3-4-4-", "1-------3---", "1---3---w---"), register=32, level=1, chance=0.9),
    ),
    drums=(
        (), (("stomp", "x...x...x...x..."),), (("stomp", "x.......x......."),), (),
        (("washboard", "x.o.x.o.x.o.x.o."), ("stomp", "x.......x.......")),
        (("jazz kick", "x.......x......."), ("brush snare", "....x.o.....x.o."), ("ride", "x...x.x.x...x.x.")),
        (("rock kick", "X.......X......."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.....x.X.x....."), ("snare", "....X.......X.o."), ("ride", "x.o.x.o.x.o.x.o.")),
        (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("open hat", "x...x...x...x..."),
         ("crash", "x...............")),
        (("rock kick", "X..........."), ("snare", "....X...X..."), ("closed hat", "x.x.x.x.x.x.")),
    ),
    fill=(("snare", "........x.o.x.xx"),), drum_level=1, drum_chance=0.85,
    forms=(STEADY, SOLO, SONG, STOP, VAMP, QUIET),
    production=Production(slope=(-8.4, -4.6), lowpass=(3800, 12000), highpass=(20, 130), drive=(0.0, 1.2),
                          reverb_seconds=(0.2, 1.4), reverb_mix=(0.02, 0.25),
                          rooms=("room", "room", "plate", "chamber"), compression=(0.1, 0.6), wow=(0.0, 0.002),
                          noise_db=(-72, -34), crackle=(0.0, 4.0)),
)
