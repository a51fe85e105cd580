"""Chiptune."""

from labkit.corpus.genres.forms import ALL, LAYERS, LIFT, SONG, STEADY, STOP
from labkit.corpus.styles import Mood, Part, Production, Section, Style

_CLUB = (Section("build", 0.2, ("figure", "drums", "bass"), 0.85), Section("break", 0.15, ("pad", "chords"), 0.7),
         Section("drop", 0.65, ALL, 1.1))

STYLE = Style(
    name="Chiptune",
    listen="The square and triangle waves of an old games console: quick broken chords, a nimble tune and hissing "
           "drums, some albums over a modern beat. In the picture: straight lines, evenly stacked, on and off at "
           "once, and hard upright edges.",
    mood=Mood(valence=(0.43, 0.28), energy=(0.67, 0.22), danceability=(0.57, 0.17), assumed="Electronic, energy + "
              "0.05"),
    tempo=(74, 186), metres=(4, 4, 4, 4, 4, 4, 3), swing=(0.0, 0.25), swing_beats=0.5, drift=(0.0, 0.001),
    humanise=(0.0, 0.002), density=(0.9, 3.0), compass=13, leaps=0.3, rests=0.2, gate=(0.4, 1.0),
    dynamics=(0.3, 0.95),
    modes=(
        ("major", ("I V vi IV", "I IV I V", "IV V iii vi", "I bVII bVI V", "Imaj7 IVmaj7 ii7 V7", "I III7 vi IV")),
        ("minor", ("i bVI bVII i", "i bVII bVI V", "bVI bVII i i", "i iv bVII bIII", "i bIII bVII bVI",
                   "i i bVI bVII")),
        ("lydian", ("I II I II", "Imaj7 II vi7 II")),
        ("dorian", ("i IV i IV", "i7 IV7 bVII i7", "i bVII IV i")),
        ("harmonic minor", ("i iv V7 i", "i bVI iv V7")),
        ("minor pentatonic", ("i i bVII bVII", "i bIII iv bVII")),
    ),
    # The machines in order: title screen, console, hand-held, home computer, tracker with samples, with a hip-hop beat,
    # with disco and house, with a dance-floor wall, with breakbeats, with guitars.
    consort=True,
    parts=(
        Part("melody", ("sine lead", "pulse lead", "pulse lead", "pulse lead", "pulse lead", "pulse lead", "saw lead",
                        "pulse pluck", "pulse lead", "sine lead", "pulse lead", "soft voice", "saw lead", "pulse lead",
                        "pulse lead", "acid bass", "pulse lead", "voice", "pulse lead", "distorted lead"), register=74,
             level=-1, effects=("echo", "chorus"), chance=0.9),
        Part("answer", ("pulse pluck", "pulse lead", "pulse pluck", "saw lead", "flute", "celesta", "pulse lead",
                        "saw lead", "pulse pluck", "electric guitar"), register=79, level=-5, effects=("echo",),
             chance=0.6),
        Part("figure", ("pulse pluck", "pulse pluck", "pulse pluck", "pulse pluck", "marimba", "pulse pluck",
                        "saw pluck", "pulse pluck", "pulse pluck", "pulse pluck"),
             ("1---2---3---4---", "1-2-3-4-3-2-3-2-", "1231231231231231", "1234123412341234", "1-3-4-3-1-3-4-3-",
              "4..3..2.4..3..2.", "1.34.34.1.34.34.", "4321432143214321", "1243124312431243", "1-4-3-4-1-4-3-4-",
              "1-2-3-4-3-2-", "123412341234"), register=66, level=-3, effects=("echo",), chance=0.92),
        Part("chords", ("", "pulse lead", "", "pulse lead", "piano", "electric piano", "synth brass", "supersaw",
                        "pulse pluck", "crunch guitar"),
             ("x---------------", "..x-..x-..x-..x-", "x---x---x---x---", "x-..x-..x-..x-..", "x-----x-----x---",
              "x-------....x---", "..x-..x-..x-..x-", "x-..x-..x-..x-xx", "x--x--x---x-x---", "x-x-x-x-x-x-x-x-",
              "x-----------", "..x-..x-..x-"), register=57, level=-6, effects=("chorus",), chance=0.6),
        Part("pad", ("warm pad", "", "", "", "strings", "warm pad", "supersaw", "supersaw", "glass pad", ""),
             ("x---------------", "x-------x-------", "x-----------"), register=57, level=-9, chance=0.5),
        Part("bass", ("chip triangle", "chip triangle", "chip triangle", "synth bass", "chip triangle", "sub bass",
                      "synth bass", "chip triangle", "synth bass", "picked bass"),
             ("1-------1-------", "1---1---1---1---", "1-1-4-1-1-1-4-1-", "1.1.1.1.1.1.1.1.", "1--1--1-1--1--w-",
              "1-----1-......1-", "1.4.1.4.1.4.1.4.", "..1-..1-..1-..1-", "1.1.11.1.1.11.1.", "1-1-1-1-1-1-1-1-",
              "1-----------", "1-4-1-4-1-4-"), register=33, level=-1, chance=0.95),
    ),
    drums=(
        (), (("chip kick", "X.......X......."), ("chip snare", "....x.......x..."), ("chip hat", "x...x...x...x...")),
        (("chip kick", "X.......X.x....."), ("chip snare", "....X.......X..."), ("chip hat", "x.x.x.x.x.x.x.x.")),
        (("chip kick", "X...x...X...x..."), ("chip snare", "....X.......X..x"), ("chip hat", "x.oox.oox.oox.oo")),
        (("chip kick", "X..x..x.X..x...."), ("chip snare", "....X.......X..."), ("chip hat", "xoxoxoxoxoxoxoxo")),
        (("boom kick", "X.....x...x....."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.xo")),
        (("boom kick", "X......x..X....."), ("clap", "....X.......X..."), ("chip hat", "x.x.x.xxx.x.xoxo")),
        (("house kick", "X...X...X...X..."), ("clap", "....X.......X..."), ("open hat", "..x...x...x...x.")),
        (("house kick", "X...X...X...X..."), ("electronic snare", "....X.......X..."),
         ("closed hat", "xoxoxoxoxoxoxoxo"), ("chip hat", "..x...x...x...x.")),
        (("rock kick", "X.x.......xx...."), ("snare", "....X..o.o..X..o"), ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("crash", "x.......x.......")),
        (("chip kick", "X.....x....."), ("chip snare", "....x...x..."), ("chip hat", "x.x.x.x.x.x.")),
    ),
    fill=(("chip snare", "........x.x.xxxx"),), drum_level=1, drum_chance=0.92,
    forms=(STEADY, SONG, LIFT, STOP, _CLUB, LAYERS),
    production=Production(slope=(-7.2, -2.6), lowpass=(4500, 15000), highpass=(18, 70), width=(0.0, 0.3),
                          pump=(0.0, 0.5), rooms=("room", "plate", "hall"), reverb_seconds=(0.1, 1.8),
                          reverb_mix=(0.0, 0.2), echo_mix=(0.0, 0.3), compression=(0.0, 0.8), drive=(0.0, 1.5),
                          bits=(6, 16), noise_db=(-80, -46)),
)
