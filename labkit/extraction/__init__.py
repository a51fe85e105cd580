"""From a folder of sound and a table of labels to a folder in the course's layout, which `LAB_DATA` can name.

    labels    FMA's tables, or two columns of one's own
    clips     one clip from its sound file to its two arrays; many of them side by side, also on a Dask cluster
    journal   what is finished
    result    the course's layout of what was extracted
    folder    all of it in order
"""

from labkit.extraction.clips import ExtractionError
from labkit.extraction.folder import extract_folder

__all__ = ["ExtractionError", "extract_folder"]
