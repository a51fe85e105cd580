"""The handwritten digits: scikit-learn's, a file of one's own, and files that are something else."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labkit.digits import MOST, read_digits
from labkit.profiles import DataError


def test_the_digits_that_come_with_scikit_learn(monkeypatch):
    monkeypatch.delenv("LAB_DIGITS", raising=False)
    digits = read_digits()
    assert digits.train.shape == (1347, 1, 24, 24) and digits.held.shape == (450, 1, 24, 24)
    assert digits.train.dtype == np.float32 and digits.train.min() >= 0 and digits.train.max() <= 1
    shares = [np.bincount(labels, minlength=10) / len(labels) for labels in (digits.train_labels, digits.held_labels)]
    assert np.abs(shares[0] - shares[1]).max() < 0.005
    both = np.concatenate([digits.train, digits.held])
    assert len({picture.tobytes() for picture in both}) == len({one.tobytes() for one in load_digits().data})
    again, other = read_digits(), read_digits(seed=1)
    np.testing.assert_array_equal(digits.held, again.held)
    assert not np.array_equal(digits.held_labels, other.held_labels)


def test_a_pixel_stays_where_it_was():
    """Interpolation moves nothing: the middle of each 3 by 3 block has the value of the small picture's pixel."""
    digits = read_digits()
    small, labels = load_digits(return_X_y=True)
    middles = (16 * digits.train[:, 0, 1::3, 1::3]).round().reshape(-1, 64)
    known = {tuple(one): label for one, label in zip(small, labels, strict=True)}
    assert all(known[tuple(one)] == label for one, label in zip(middles, digits.train_labels, strict=True))


def mnist(file, count=20, **changes):
    rng = np.random.default_rng(0)
    arrays = {f"{kind}_{part}": rng.integers(0, 256, (count, 28, 28)).astype(np.uint8) if kind == "x"
              else rng.integers(0, 10, count) for part in ("train", "test") for kind in "xy"} | changes
    np.savez(file, **{name: values for name, values in arrays.items() if values is not None})
    return arrays


def test_a_file_of_ones_own(monkeypatch, tmp_path):
    arrays = mnist(tmp_path / "mnist.npz")
    monkeypatch.setenv("LAB_DIGITS", str(tmp_path / "mnist.npz"))
    digits = read_digits()
    assert digits.train.shape == (20, 1, 24, 24)
    np.testing.assert_allclose(digits.train[3, 0], arrays["x_train"][3, 2:26, 2:26] / 255, rtol=1e-6)
    np.testing.assert_array_equal(digits.held_labels, arrays["y_test"])
    assert "mnist.npz" in digits.source


def test_of_a_large_file_a_part_is_drawn(monkeypatch, tmp_path):
    mnist(tmp_path / "large.npz", count=MOST[0] + 5)
    monkeypatch.setenv("LAB_DIGITS", str(tmp_path / "large.npz"))
    digits = read_digits()
    assert (len(digits.train), len(digits.held)) == MOST


@pytest.mark.parametrize("changes, message", [
    ({"y_test": None}, r"with the arrays x_train, y_train, x_test, y_test, found that it cannot be read so \(KeyError"),
    ({"x_train": np.zeros((20, 24, 24), np.uint8)}, r"pictures \(N, 28, 28\) .* found \(20, 24, 24\)"),
    ({"x_train": np.zeros((20, 28, 28))}, "found .* float64"),
    ({"y_train": np.full(20, 10)}, "labels .* from 0 to 9"),
    ({"y_train": np.zeros(19, int)}, r"found .*\(19,\)"),
    ({"y_train": np.array([{}] * 20, dtype=object)}, "cannot be read so .ValueError: Object arrays cannot be loaded"),
])
def test_other_files_are_refused(monkeypatch, tmp_path, changes, message):
    mnist(tmp_path / "other.npz", **changes)
    monkeypatch.setenv("LAB_DIGITS", str(tmp_path / "other.npz"))
    with pytest.raises(DataError, match=message):
        read_digits()


def test_no_such_file_and_no_archive(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DIGITS", str(tmp_path / "none.npz"))
    with pytest.raises(DataError, match=r"LAB_DIGITS is .*none\.npz.*FileNotFoundError.*unset LAB_DIGITS"):
        read_digits()
    (tmp_path / "none.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match="cannot be read so"):
        read_digits()
