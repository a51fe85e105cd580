"""The composed corpus: pieces in the twenty genres of the course, made from a seed, with known beats, keys and moods.

    styles       what a style is
    genres/      the twenty genres as data, one file each
    score        a style and a seed -> notes
    dsp          building blocks of sound
    instruments  one note -> sound
    drums        one stroke -> sound
    effects      what is done to sound after it was played
    render       a piece -> sound
    affect       a piece -> valence, energy, danceability
    plan         which clips a dataset holds, and its label files
    build        whole datasets on disk, in the course's layout

The dataset stands in for recorded music where there is none at hand. It teaches the methods; it is no measure of how
well they do on real music, which a page that uses it says.
"""

from labkit.corpus.affect import Affect, Traits, affect, affect_of, noise_ceiling, traits
from labkit.corpus.build import (
    build,
    digest,
    is_made,
    location,
    piece,
    read_clips,
    remove_old,
    size_on_disk,
    sound,
)
from labkit.corpus.genres import GENRES, STYLES, find_style
from labkit.corpus.plan import Clip, plan
from labkit.corpus.render import render
from labkit.corpus.score import Note, Piece, compose
from labkit.corpus.styles import Style

__all__ = ["GENRES", "STYLES", "Affect", "Clip", "Note", "Piece", "Style", "Traits", "affect", "affect_of", "build",
           "compose", "digest", "find_style", "is_made", "location", "noise_ceiling", "piece", "plan", "read_clips",
           "remove_old", "render", "size_on_disk", "sound", "traits"]
