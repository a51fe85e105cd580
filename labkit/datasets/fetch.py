"""The published data from where they are published: FMA by HTTP, the course's dataset through `kagglehub`.

Nothing here runs unless it is asked for: lessons and tests need none of it.
"""

import contextlib
import hashlib
import http.client
import lzma
import os
import re
import shutil
import stat
import sys
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from labkit.datasets.verify import each_file
from labkit.errors import LabError
from labkit.files import hold_lock, write_text, write_whole
from labkit.profiles import cache_root

FMA = "https://os.unil.cloud.switch.ch/fma/"
# SHA-1 of each archive, as published in README.md of github.com/mdeff/fma (release of 2017-05-09). They are compressed
# with bzip2 (issue 5 there), which Python unpacks and some programs do not.
ARCHIVES = {
    "fma-metadata": ("fma_metadata.zip", "f0df49ffe5f2a6008d7dc83c6915b31835dfe733"),   # 342 MiB
    "fma-small": ("fma_small.zip", "ade154f733639d52e35e32f5593efe5be76c6d70"),         # 7.2 GiB
    "fma-medium": ("fma_medium.zip", "c67b69ea232021025fca9231fc1c7c1a063ab50b"),       # 22 GiB
    "fma-large": ("fma_large.zip", "497109f4dd721066b5ce5e5f250ec604dc78939e"),         # 93 GiB
    "fma-full": ("fma_full.zip", "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab"),           # 879 GiB
}
KAGGLE = "geoparslp/patreco3-multitask-affective-music"
ATTEMPTS = 5            # without a byte more than at the first of them
PATIENCE = 60.0         # seconds without a byte
LOCK_PATIENCE = 2.0     # seconds to wait for another process before saying so
MARK = ".complete"      # in a folder of contents that is whole
_BLOCK = 1 << 20


class FetchError(LabError):
    """The data cannot be fetched; the message says what to do."""


# --- FMA -------------------------------------------------------------------------------------------------------------

def fetch_fma(name: str, to: str | Path | None = None, base: str = FMA, pause: float = 2.0,
              progress: bool = True) -> Path:
    """Download one archive of FMA, compare it with its published SHA-1 and unpack it.

    What is there already is not fetched again; what was interrupted goes on where it broke off. A second call waits for
    the first.

    Parameters
    ----------
    name : a key of ARCHIVES, such as 'fma-small'.
    to : the folder for the archive and its contents; None = `downloads` in `LAB_CACHE`.
    base : the address of the folder that holds the archives.
    pause : seconds before the first new attempt after a failure; each further one waits twice as long.
    progress : show progress bars.

    Returns
    -------
    The folder of the contents, such as `downloads/fma_small`. The archive stays beside it.

    Raises
    ------
    FetchError : no answer, another answer than the file, too little room on the disk, a wrong checksum, an archive that
        cannot be unpacked, other files where its contents belong.
    ValueError : no such `name`.
    """
    if name not in ARCHIVES:
        raise ValueError(f"Expected one of {', '.join(ARCHIVES)}, found {name!r}.")
    archive, sha1 = ARCHIVES[name]
    to = Path(to).expanduser().absolute() if to else cache_root() / "downloads"
    contents = to / archive.removesuffix(".zip")
    if (contents / MARK).is_file():
        return contents
    try:
        to.mkdir(parents=True, exist_ok=True)
        with _alone(to / archive):
            if not (contents / MARK).is_file():  # else another process made it while this one waited
                if not (to / archive).is_file():
                    _make_way(contents)  # said at once, not after hours of downloading
                download(base + archive, to / archive, sha1, pause, progress)
                unpack(to / archive, progress)
        return contents
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        raise FetchError(f"Expected to write into {to}, found {getattr(error, 'strerror', None) or error}. What is "
                         "there is kept: make room or choose another folder with --to, then give the same command "
                         "again.") from None


def _alone(archive: Path) -> contextlib.AbstractContextManager:
    """Hold the lock of an archive; says so when another process makes it wait."""
    return hold_lock(archive.with_name(f".{archive.name}.lock"), LOCK_PATIENCE,
                     lambda: f"Another process is fetching {archive}; waiting for it.")


def _make_way(folder: Path) -> None:
    """Remove the folder of the contents where it is empty. Raises FetchError where it is not."""
    if folder.exists():
        if any(folder.iterdir()):
            raise FetchError(f"Expected {folder} to be absent, or whole as an earlier call left it, found other files. "
                             "Move that folder away or choose another one with --to, then give the same command again.")
        folder.rmdir()


def download(url: str, file: Path, sha1: str, pause: float = 2.0, progress: bool = True) -> None:
    """Bring one file from an address; it carries its name only when its SHA-1 is right.

    An interrupted download lies beside it as `.part` and is continued, where the server's file is still the same.

    Parameters
    ----------
    url, file : from where, and to which file; its folder exists.
    sha1 : 40 hexadecimal digits.
    pause, progress : as in `fetch_fma`.

    Raises
    ------
    FetchError : see `fetch_fma`.
    OSError : the file cannot be written.
    """
    part, mark = file.with_name(f"{file.name}.part"), file.with_name(f"{file.name}.part.etag")
    if not file.is_file():
        _bring(url, part, mark, pause, progress)
    there = file if file.is_file() else part
    with open(there, "rb") as stream:
        found = hashlib.file_digest(stream, "sha1").hexdigest()
    if found != sha1:
        if there == part:  # to go on with it could never succeed
            part.unlink()
            mark.unlink(missing_ok=True)
        raise FetchError(f"Expected SHA-1 {sha1} of {file.name} from {url}, found {found}. "
                         + ("The damaged download is removed: give the same command again."
                            if there == part else f"Remove {file}, then give the same command again."))
    if there == part:
        part.rename(file)
        mark.unlink(missing_ok=True)


def _bring(url: str, part: Path, mark: Path, pause: float, progress: bool) -> None:
    """Download into `part`, as often as it breaks off and yet gets further."""
    failures = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            if _try(url, part, mark, before, progress):
                return
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # there is no more to send: the rest of this program decides whether it is whole
                if before and _total(error) in (None, before):
                    return
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise FetchError(f"Expected {url}, found the answer {error.code} {error.reason}. Look at "
                                 "https://github.com/mdeff/fma whether the archives have moved.") from None
            reason = f"{error.code} {error.reason}"
        except urllib.error.URLError as error:
            reason = str(error.reason)
        except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
        failures = failures + 1 if (part.stat().st_size if part.is_file() else 0) <= before else 1
        if failures >= ATTEMPTS:
            raise FetchError(f"Expected {url}, found no way to it in {failures} attempts ({reason}). Check the "
                             "network, then give the same command again: it goes on where this one ended.")
        if progress:
            print(f"{reason}; trying again in {pause * 2 ** (failures - 1):.0f} s", file=sys.stderr)
        time.sleep(pause * 2 ** (failures - 1))


def _try(url: str, part: Path, mark: Path, have: int, progress: bool) -> bool:
    """One request for what is missing; whether the file is now as long as it should be."""
    from tqdm import tqdm

    request = urllib.request.Request(url, headers={"User-Agent": "labkit", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if mark.is_file():  # the server then sends the whole file when it is no longer the same
            request.add_header("If-Range", mark.read_text(encoding="utf-8"))
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        goes_on = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-")
        if answer.status != 200 and not goes_on:
            raise http.client.HTTPException(f"{answer.status} {answer.reason}")
        have = have if goes_on else 0
        total = _total(answer) if goes_on else _length(answer)
        # The archive and its contents lie side by side in the end; sound and pictures are as large in both.
        _check_room(part.parent, 0 if total is None else 2 * total - have, part.name.removesuffix(".part"))
        tag = answer.headers.get("ETag") or ""
        if tag.startswith('"'):
            write_text(mark, tag)
        else:  # none, or a weak one, which If-Range does not take
            mark.unlink(missing_ok=True)
        with (part.open("ab" if goes_on else "wb") as file,
              tqdm(total=total, initial=have, desc=part.name.removesuffix(".part"), unit="B", unit_scale=True,
                   mininterval=1 if sys.stderr.isatty() else 15, **({} if progress else {"disable": True})) as bar):
            while block := answer.read(_BLOCK):
                file.write(block)
                bar.update(len(block))
    return total is None or part.stat().st_size == total


def _length(answer) -> int | None:
    text = answer.headers.get("Content-Length") or ""
    return int(text) if text.isdecimal() else None


def _total(answer) -> int | None:
    """The length of the whole file, from the answer to a request for a part of it."""
    text = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
    return int(text) if text.isdecimal() else None


def _check_room(folder: Path, needed: int, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FetchError(f"Expected {needed / 1e9:.1f} GB free in {folder} for {name} and its contents, found "
                         f"{free / 1e9:.1f} GB. Make room, or choose another folder with --to.")


def unpack(archive: Path, progress: bool = True) -> Path:
    """Unpack a zip file into a folder of its name beside it; the folder appears when it is whole.

    Until then the files stand in a hidden folder, where a second call finds those that are finished. A folder that
    another program has unpacked is taken when each file has its size.

    Raises FetchError when the archive is damaged, holds names that lead out of the folder or links, needs another
    program, or needs more room than there is, and when the folder holds something else.
    """
    folder = archive.with_suffix("")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        with zipfile.ZipFile(archive) as packed:
            jobs = []
            for member in packed.infolist():
                path = PurePosixPath(member.filename)
                if (path.is_absolute() or ".." in path.parts or re.search(r'[\\:\0]', member.filename)
                        or stat.S_ISLNK(member.external_attr >> 16)):
                    raise FetchError(f"Expected only files below one folder in {archive}, found {member.filename!r}. "
                                     "The archive is not to be trusted: remove it.")
                parts = path.parts[1:] if path.parts[:1] == (folder.name,) else path.parts
                if parts and not member.is_dir():
                    jobs.append((member, partial.joinpath(*parts)))
            if folder.is_dir() and all(_is_there(member, folder / target.relative_to(partial))
                                       for member, target in jobs):
                (folder / MARK).touch()
                return folder
            _make_way(folder)

            def one(job: tuple[zipfile.ZipInfo, Path]) -> None:
                member, target = job
                if not _is_there(member, target):
                    with packed.open(member) as stream:  # which compares the checksum of the member at its end
                        write_whole(target, lambda file: shutil.copyfileobj(stream, file, _BLOCK))

            there = sum(target.stat().st_size for _, target in jobs if target.is_file())
            _check_room(archive.parent, sum(member.file_size for member, _ in jobs) - there, archive.name)
            for place in {partial, *(target.parent for _, target in jobs)}:
                place.mkdir(parents=True, exist_ok=True)
            for _ in each_file(one, jobs, f"Unpacking {archive.name}", progress):
                pass
    except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; that of bzip2 has no number
            raise
        raise FetchError(f"Expected a zip file at {archive}, found a damaged one ({error}). Remove it, then give the "
                         "same command again.") from None
    except (NotImplementedError, RuntimeError) as error:  # a compression or an encryption that Python lacks
        raise FetchError(f"Expected to unpack {archive}, found what this Python cannot do ({error}). Unpack it with "
                         f"7-Zip: 7z x {archive.name}") from None
    (partial / MARK).touch()
    partial.rename(folder)
    return folder


def _is_there(member: zipfile.ZipInfo, file: Path) -> bool:
    return file.is_file() and file.stat().st_size == member.file_size


# --- Kaggle ----------------------------------------------------------------------------------------------------------

def fetch_kaggle(to: str | Path | None = None) -> Path:
    """Download the course's dataset from Kaggle, or find it downloaded.

    Kaggle publishes no checksum: `labkit.datasets.verify.verify` compares with the published counts and records
    SHA-256, with which later runs compare.

    Parameters
    ----------
    to : the folder for it; None = where `kagglehub` keeps what it downloads.

    Returns
    -------
    The folder of the dataset.

    Raises
    ------
    FetchError : `kagglehub` is not installed, Kaggle asks for credentials, or the download failed.
    """
    if to:  # as `kagglehub` reads it at each call; its output_dir is of late versions only, and does not resume
        os.environ["KAGGLEHUB_CACHE"] = str(Path(to).expanduser().absolute())
    try:
        import kagglehub
    except ModuleNotFoundError:
        raise FetchError('Expected the package kagglehub, found none. Install it: python -m pip install -e ".[fetch]"'
                         ) from None
    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except Exception as error:  # those of kagglehub, of requests and of the system; they have no common base
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403) or type(error).__name__ in ("UnauthenticatedError", "CredentialError"):
            raise FetchError(
                f"Expected Kaggle to hand out {KAGGLE}, found that it asks who you are ({_first_line(error)}). Make a "
                "token on kaggle.com (Settings, API) and keep it as ~/.kaggle/kaggle.json, or set KAGGLE_USERNAME and "
                "KAGGLE_KEY; then give the same command again.") from None
        raise FetchError(f"Expected Kaggle to hand out {KAGGLE}, found {type(error).__name__}: {_first_line(error)}. "
                         "Check the network and the room on the disk, then give the same command again.") from None


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")[:160].rstrip(".")
