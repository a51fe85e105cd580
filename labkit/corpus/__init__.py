"""The composed corpus: pieces in several genres, made from a seed, with known beats, keys and moods.

    styles       each genre as data
    score        a style and a seed -> notes
    instruments  one note -> sound
    render       a piece -> sound
    affect       a piece -> valence, energy, danceability
    build        whole datasets on disk, in the course's layout

The dataset stands in for recorded music where there is none at hand. It teaches the methods; it is no measure of how
well they do on real music, which a page that uses it says.
"""

from labkit.corpus.affect import Affect, Traits, affect, affect_of, traits
from labkit.corpus.build import Clip, build, digest, is_made, piece, plan, read_clips, remove_old, sound
from labkit.corpus.render import render
from labkit.corpus.score import Note, Piece, compose
from labkit.corpus.styles import GENRES, STYLES, Style

__all__ = ["GENRES", "STYLES", "Affect", "Clip", "Note", "Piece", "Style", "Traits", "affect", "affect_of", "build",
           "compose", "digest", "is_made", "piece", "plan", "read_clips", "remove_old", "render", "sound", "traits"]
