"""Clips for the tests of models and training, made so that their labels can be learned within a second."""

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from labkit.datasets import collate_padded

FEATURES = 12


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """One thread in a test file that imports this: on small networks two wait for each other longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class TinyClips(Dataset):
    """Clips of 6 to 12 frames of noise round three levels in [0, 1], which are their labels.

    Parameters
    ----------
    count : number of clips.
    label : 'all' = the three levels (3,), 'one' = the first of them, 'class' = 0 or 1, whether it is above one half.
    first : number of the first clip; a number stands for the same clip in any dataset.
    """

    def __init__(self, count=32, label="one", first=0):
        self.ids = [str(number) for number in range(first, first + count)]
        self.label, self.clips, self.levels = label, [], []
        for number in range(first, first + count):
            noise = torch.Generator().manual_seed(number)
            levels = torch.rand(3, generator=noise)
            frames = int(torch.randint(6, 13, (), generator=noise))
            self.levels.append(levels)
            self.clips.append(levels.repeat(FEATURES // 3) + 0.1 * torch.randn(frames, FEATURES, generator=noise))

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        levels = self.levels[index]
        target = {"all": levels, "one": levels[0], "class": (levels[0] > 0.5).long()}[self.label]
        return self.clips[index], target, len(self.clips[index])

    def loader(self, batch_size=8, shuffle=False, seed=0):
        """A loader of batches padded to their longest clip."""
        return DataLoader(self, batch_size, shuffle, collate_fn=collate_padded,
                          generator=torch.Generator().manual_seed(seed))
