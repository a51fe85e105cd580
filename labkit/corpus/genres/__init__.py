"""The twenty genres of the course as data, one file each; `styles.py` explains the language.

To add one, write a file with a `STYLE` and name it below.
"""

from labkit.corpus.genres import (
    blues,
    chiptune,
    classical,
    electronic,
    folk,
    hip_hop,
    indie_rock,
    international,
    jazz,
    metal,
    old_time,
    pop,
    post_punk,
    post_rock,
    psych_folk,
    psych_rock,
    punk,
    rock,
    soundtrack,
    trip_hop,
)
from labkit.corpus.styles import Style

STYLES: dict[str, Style] = {module.STYLE.name: module.STYLE for module in (
    blues, chiptune, classical, electronic, folk, hip_hop, indie_rock, international, jazz, metal, old_time, pop,
    post_punk, post_rock, psych_folk, psych_rock, punk, rock, soundtrack, trip_hop,
)}
GENRES: tuple[str, ...] = tuple(STYLES)


def find_style(genre: str) -> Style:
    """The style called `genre`.

    Raises ValueError that lists the known genres when there is none of that name.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change
    """
    if genre not in STYLES:
        raise ValueError(f"There is no genre {genre!r} in the composed corpus. Expected one of: {', '.join(GENRES)}. "
                         "To add one, see labkit/corpus/styles.py.")
    return STYLES[genre]
