"""`data fetch` against a server on this machine: interrupted, refused, damaged, resumed; Kaggle by a stand-in."""

import hashlib
import http.server
import io
import re
import shutil
import sys
import threading
import types
import zipfile
from collections import namedtuple

import numpy as np
import pytest
from conftest import fused, write_course

from labkit import cli
from labkit.datasets import fetch, verify
from labkit.datasets.fetch import ARCHIVES, MARK, FetchError, fetch_fma, fetch_kaggle, unpack

SONGS = {f"fma_small/{n // 3:03d}/{n:06d}.mp3": bytes([n]) * (5000 + n) for n in range(6)}


def packed(files=SONGS, compression=zipfile.ZIP_BZIP2):
    """A zip file; FMA's are compressed with bzip2."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("fma_small/", "")
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Serves one content; `breaks` = after how many bytes of each next answer the connection ends."""

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks, self.statuses = content, [], []
        self.ranges, self.etag, self.asked = True, '"first"', []
        self.halfway = lambda: None     # called in the middle of each answer

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server_port}/fma/"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        server, content = self.server, self.server.content
        wanted = self.headers.get("Range")
        server.asked.append((self.path, wanted, self.headers.get("If-Range")))
        if server.statuses and (status := server.statuses.pop(0)) != 200:
            self.send_error(status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and server.ranges else 0
        if self.headers.get("If-Range") not in (None, server.etag):
            start = 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        rest = content[start:][:server.breaks.pop(0)] if server.breaks else content[start:]
        self.wfile.write(rest[:100])
        server.halfway()
        self.wfile.write(rest[100:])
        self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    content = packed()
    monkeypatch.setitem(ARCHIVES, "fma-small", ("fma_small.zip", hashlib.sha1(content).hexdigest()))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server(content) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server, to, **options):
    return fetch_fma("fma-small", to, server.base, pause=0, progress=False, **options)


def contents(folder):
    return {f"fma_small/{file.relative_to(folder).as_posix()}": file.read_bytes()
            for file in folder.rglob("*") if file.is_file() and file.name != MARK}


def names(folder):
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".lock")


def test_the_published_checksums_have_the_form_of_sha1():
    assert [name for name, _ in ARCHIVES.values()] == [
        f"fma_{size}.zip" for size in ("metadata", "small", "medium", "large", "full")]
    assert all(re.fullmatch(r"[0-9a-f]{40}", sha1) for _, sha1 in ARCHIVES.values())


def test_an_archive_is_downloaded_checked_and_unpacked_once(server, tmp_path):
    folder = get(server, tmp_path / "new")
    assert folder == tmp_path / "new" / "fma_small" and contents(folder) == SONGS
    assert names(tmp_path / "new") == ["fma_small", "fma_small.zip"]
    assert get(server, tmp_path / "new") == folder and len(server.asked) == 1
    shutil.rmtree(folder)
    assert contents(get(server, tmp_path / "new")) == SONGS and len(server.asked) == 1  # from the archive
    (tmp_path / "new" / "fma_small.zip").unlink()  # it is no longer needed
    assert contents(get(server, tmp_path / "new")) == SONGS and len(server.asked) == 1


def test_a_connection_that_breaks_off_is_continued(server, tmp_path):
    server.breaks = [300, 0, 500]
    assert contents(get(server, tmp_path)) == SONGS
    assert [wanted for _, wanted, _ in server.asked] == [None, "bytes=300-", "bytes=300-", "bytes=800-"]
    assert [tag for *_, tag in server.asked] == [None, '"first"', '"first"', '"first"']


def test_an_interrupted_command_goes_on_where_it_ended(server, tmp_path, monkeypatch):
    server.breaks = [300, *[0] * 4]
    with pytest.raises(FetchError, match=r"no way to it in 5 attempts \(the connection broke off\)"):
        get(server, tmp_path)
    assert names(tmp_path) == ["fma_small.zip.part", "fma_small.zip.part.etag"]
    server.asked.clear()
    assert contents(get(server, tmp_path)) == SONGS
    assert [wanted for _, wanted, _ in server.asked] == ["bytes=300-"]


def test_a_file_that_changed_on_the_server_is_downloaded_whole(server, tmp_path):
    (tmp_path / "fma_small.zip.part").write_bytes(b"x" * 300)
    (tmp_path / "fma_small.zip.part.etag").write_text('"of old"')
    assert contents(get(server, tmp_path)) == SONGS


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_a_server_without_a_strong_etag_is_resumed_by_range_alone(server, tmp_path, etag):
    server.etag, server.breaks = etag, [300]
    assert contents(get(server, tmp_path)) == SONGS
    assert server.asked[1][1:] == ("bytes=300-", None)


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    server.ranges, server.breaks = False, [300]
    assert contents(get(server, tmp_path)) == SONGS
    assert len(server.asked) == 2


@pytest.mark.parametrize("extra", [b"", b"more than the server has"])
def test_a_part_that_is_already_whole_or_too_long(server, tmp_path, extra):
    (tmp_path / "fma_small.zip.part").write_bytes(server.content + extra)
    assert contents(get(server, tmp_path)) == SONGS


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again(server, tmp_path, status):
    server.statuses = [status, status]
    assert contents(get(server, tmp_path)) == SONGS


def test_what_is_not_there_is_told_at_once(server, tmp_path):
    server.statuses = [404]
    with pytest.raises(FetchError, match=r"found the answer 404 Not Found\. Look at https://github.com/mdeff/fma"):
        get(server, tmp_path)
    assert len(server.asked) == 1 and names(tmp_path) == []


def test_without_a_network_the_last_reason_is_told(server, tmp_path):
    with pytest.raises(FetchError, match=r"no way to it in 5 attempts .*refused"):
        fetch_fma("fma-small", tmp_path, "http://127.0.0.1:9/", pause=0, progress=False)


def test_a_wrong_checksum_leaves_nothing_behind(server, tmp_path):
    server.content = packed({"fma_small/000/000001.mp3": b"another"})
    with pytest.raises(FetchError, match=r"Expected SHA-1 [0-9a-f]{40} of fma_small.zip .* The damaged download is"):
        get(server, tmp_path)
    assert names(tmp_path) == []


def test_a_second_call_says_that_it_waits_and_finds_what_the_first_fetched(server, tmp_path, monkeypatch):
    begun, waits, said, found = threading.Event(), threading.Event(), [], []

    def say(words, file):
        said.append(words)
        waits.set()

    def halfway():
        if len(server.asked) > 1:  # the second asks too, as it must not
            waits.set()
        begun.set()
        assert waits.wait(20)

    monkeypatch.setattr("labkit.files.print", say, raising=False)
    monkeypatch.setattr(fetch, "LOCK_PATIENCE", 0)
    server.halfway = halfway
    calls = [threading.Thread(target=lambda: found.append(get(server, tmp_path))) for _ in range(2)]
    calls[0].start()
    assert begun.wait(20)
    calls[1].start()
    for call in calls:
        call.join()
    assert found == [tmp_path / "fma_small"] * 2 and contents(found[0]) == SONGS and len(server.asked) == 1
    assert said == [f"Another process is fetching {tmp_path / 'fma_small.zip'}; waiting for it."]


def test_a_file_system_without_locks_is_told(server, tmp_path, monkeypatch):
    def acquire(*arguments, **options):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", acquire)
    with pytest.raises(FetchError, match=r"found FileSystem does not .* choose another folder with --to"):
        get(server, tmp_path)


def test_an_empty_folder_of_that_name_is_not_taken_for_the_contents(server, tmp_path):
    (tmp_path / "fma_small").mkdir()
    assert contents(get(server, tmp_path)) == SONGS


@pytest.mark.parametrize("archive", [False, True])
def test_a_folder_of_that_name_with_something_else_in_it_is_left_as_it_is(server, tmp_path, archive):
    if archive:
        (tmp_path / "fma_small.zip").write_bytes(server.content)
    (tmp_path / "fma_small").mkdir()
    (tmp_path / "fma_small" / "homework.txt").write_text("mine")
    with pytest.raises(FetchError, match=r"fma_small to be absent, or whole .* Move that folder away"):
        get(server, tmp_path)
    assert not server.asked and names(tmp_path / "fma_small") == ["homework.txt"]


def test_what_another_program_unpacked_whole_is_taken(server, tmp_path):
    (tmp_path / "fma_small.zip").write_bytes(server.content)
    for name, content in SONGS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    before = (tmp_path / name).stat().st_ino
    get(server, tmp_path)
    (tmp_path / "fma_small.zip").unlink()  # it is no longer needed
    assert contents(get(server, tmp_path)) == SONGS and not server.asked
    assert (tmp_path / name).stat().st_ino == before
    (tmp_path / "fma_small" / MARK).unlink()
    (tmp_path / name).unlink()
    (tmp_path / "fma_small.zip").write_bytes(server.content)
    with pytest.raises(FetchError, match="Move that folder away"):
        get(server, tmp_path)


def test_an_archive_brought_by_hand_is_checked_too(server, tmp_path):
    (tmp_path / "fma_small.zip").write_bytes(b"half a file")
    with pytest.raises(FetchError, match=r"Remove .*fma_small.zip, then give the same command again"):
        get(server, tmp_path)
    (tmp_path / "fma_small.zip").write_bytes(server.content)
    assert contents(get(server, tmp_path)) == SONGS and not server.asked


Usage = namedtuple("Usage", "total used free")


def test_too_little_room_is_told_before_anything_is_written(server, tmp_path, monkeypatch):
    needed = 2 * len(server.content)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, needed - 1))
    with pytest.raises(FetchError, match=r"GB free in .* for fma_small.zip and its contents, found 0.0 GB. Make room"):
        get(server, tmp_path)
    assert names(tmp_path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, sum(map(len, SONGS.values()))))
    assert contents(get(server, tmp_path)) == SONGS


def test_a_disk_that_fills_up_keeps_what_is_there(server, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(FetchError, match=r"found No space left on device. What is there is kept: make room"):
            get(server, tmp_path)
    assert names(tmp_path) == [".fma_small.partial", "fma_small.zip"]
    assert contents(get(server, tmp_path)) == SONGS and len(server.asked) == 1


def test_a_target_that_is_a_file_is_told(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="Expected to write into"):
        get(server, tmp_path / "file")


def test_a_name_that_does_not_exist():
    with pytest.raises(ValueError, match="Expected one of fma-metadata, fma-small"):
        fetch_fma("fma-huge")


# --- unpacking -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["../outside.mp3", "fma_small/../../outside.mp3", "/outside.mp3", "..\\outside.mp3",
                                  "C:/outside.mp3"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path, name):
    place = tmp_path / "inner"
    place.mkdir()
    (place / "fma_small.zip").write_bytes(packed(SONGS | {name: b"x"}))
    with pytest.raises(FetchError, match="not to be trusted"):
        unpack(place / "fma_small.zip", progress=False)
    assert names(tmp_path) == ["inner"] and names(place) == ["fma_small.zip"]


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("fma_small/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "fma_small.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FetchError, match="not to be trusted"):
        unpack(tmp_path / "fma_small.zip", progress=False)


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: b"no zip at all",
                                    lambda data: data.replace(bytes([3]) * 40, bytes([4]) * 40, 1)])
def test_a_damaged_archive_is_told_and_no_folder_appears(tmp_path, damage):
    (tmp_path / "fma_small.zip").write_bytes(damage(packed(compression=zipfile.ZIP_STORED)))
    with pytest.raises(FetchError, match="found a damaged one"):
        unpack(tmp_path / "fma_small.zip", progress=False)
    assert not (tmp_path / "fma_small").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", range(0, 60, 6))
def test_damage_is_told_whatever_the_compression(tmp_path, method, place):
    content = bytearray(packed({"fma_small/1.mp3": bytes(range(256)) * 40}, method))
    begin = content.index(b"fma_small/1.mp3") + len("fma_small/1.mp3") + place
    content[begin:begin + 6] = bytes(value ^ 0xFF for value in content[begin:begin + 6])
    (tmp_path / "fma_small.zip").write_bytes(content)
    with pytest.raises(FetchError, match=r"found a damaged one .*\. Remove it, then give the same command again"):
        unpack(tmp_path / "fma_small.zip", progress=False)
    assert not (tmp_path / "fma_small").exists()


@pytest.mark.parametrize(("place", "value"), [("method", 9), ("flag", 1)])
def test_what_python_cannot_unpack_names_another_program(tmp_path, place, value):
    content = bytearray(packed(compression=zipfile.ZIP_STORED))
    for sign, offsets in ((b"PK\x03\x04", {"flag": 6, "method": 8}), (b"PK\x01\x02", {"flag": 8, "method": 10})):
        for header in re.finditer(re.escape(sign), bytes(content)):
            content[header.start() + offsets[place]] = value  # deflate64, or encrypted
    (tmp_path / "fma_small.zip").write_bytes(content)
    with pytest.raises(FetchError, match=r"7z x fma_small\.zip"):
        unpack(tmp_path / "fma_small.zip", progress=False)


def test_an_interrupted_unpacking_goes_on(tmp_path, monkeypatch):
    (tmp_path / "fma_small.zip").write_bytes(packed())
    done = tmp_path / ".fma_small.partial" / "000" / "000000.mp3"
    done.parent.mkdir(parents=True)
    done.write_bytes(SONGS["fma_small/000/000000.mp3"])
    before = done.stat().st_mtime_ns
    assert contents(unpack(tmp_path / "fma_small.zip", progress=False)) == SONGS
    assert (tmp_path / "fma_small/000/000000.mp3").stat().st_mtime_ns == before


# --- Kaggle ----------------------------------------------------------------------------------------------------------

@pytest.fixture
def kagglehub(monkeypatch):
    """A stand-in with the signature of kagglehub 1.0; `answer` is a folder or an error."""
    module = types.ModuleType("kagglehub")
    module.asked = []

    def dataset_download(handle, path=None, *, force_download=False, output_dir=None):
        import os

        module.asked.append((handle, os.environ.get("KAGGLEHUB_CACHE")))
        if isinstance(module.answer, BaseException):
            raise module.answer
        return str(module.answer)

    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setenv("KAGGLEHUB_CACHE", "")  # so that it is put back as it was
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    return module


class HTTPError(OSError):
    def __init__(self, status):
        super().__init__(f"{status} Client Error.\n\nYou don't have permission")
        self.response = types.SimpleNamespace(status_code=status)


class UnauthenticatedError(Exception):
    pass


def test_the_courses_dataset_comes_through_kagglehub(kagglehub, tmp_path):
    kagglehub.answer = tmp_path
    assert fetch_kaggle() == tmp_path
    assert fetch_kaggle(tmp_path / "here") == tmp_path
    assert kagglehub.asked == [("geoparslp/patreco3-multitask-affective-music", None),
                               ("geoparslp/patreco3-multitask-affective-music", str(tmp_path / "here"))]


@pytest.mark.parametrize(("error", "words"), [
    (HTTPError(401), "asks who you are (401 Client Error). Make a token on kaggle.com"),
    (HTTPError(403), "Make a token on kaggle.com"),
    (UnauthenticatedError("User is not authenticated"), "keep it as ~/.kaggle/kaggle.json"),
    (HTTPError(404), "found HTTPError: 404 Client Error. Check the network"),
    (ConnectionError(), "found ConnectionError: no message. Check the network"),
])
def test_what_kaggle_refuses_is_told(kagglehub, error, words):
    kagglehub.answer = error
    with pytest.raises(FetchError) as found:
        fetch_kaggle()
    assert words in str(found.value)


def test_without_kagglehub_the_command_to_install_it_is_told(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert cli.main(["data", "fetch", "kaggle"]) == 1
    assert 'python -m pip install -e ".[fetch]"' in capsys.readouterr().err


def test_what_kaggle_gave_is_compared_with_the_published_counts_and_recorded(kagglehub, tmp_path, monkeypatch, capsys):
    kagglehub.answer = tmp_path
    root = write_course(tmp_path / "data")
    assert cli.main(["data", "fetch", "kaggle"]) == 1
    assert "fma_genre_spectrograms/train: 40 clips, published 3069" in capsys.readouterr().out

    genres = {"Blues": (8, 4), "Psych-Rock": (8, 4), "Punk": (8, 2), "Rock": (8, 0), "Soundtrack": (8, 0)}
    monkeypatch.setattr(verify, "COURSE_GENRES", genres)
    monkeypatch.setattr(verify, "COURSE_CLIPS", {"genre": (40, 10), "multitask": (20, 5)})
    assert cli.main(["data", "fetch", "kaggle"]) == 0
    printed = capsys.readouterr().out
    assert "Checksums recorded in" in " ".join(printed.split()) and f"set LAB_DATA={root}" in printed
    np.save(root / "multitask_dataset/train/100.fused.full.npy", fused(8, 7))
    assert cli.main(["data", "fetch", "kaggle"]) == 1
    assert "multitask_dataset/train/100.fused.full.npy: changed" in capsys.readouterr().out


# --- the command line ------------------------------------------------------------------------------------------------

def test_the_command_fetches_and_says_what_comes_next(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch.fetch_fma, "__defaults__", (None, server.base, 0, False))
    assert cli.main(["data", "fetch", "fma-small", "--to", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    tracks = tmp_path / "fma_metadata" / "tracks.csv"
    assert f"Next: python -m labkit data fetch fma-metadata --to {tmp_path}\n" in said
    assert f"Then: python -m labkit extract {tmp_path / 'fma_small'} OUT --labels {tracks}\n" in said
    tracks.parent.mkdir()
    tracks.write_text("")
    assert cli.main(["data", "fetch", "fma-small", "--to", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"Next: python -m labkit extract {tmp_path / 'fma_small'} OUT --labels {tracks}\n" in said
    assert "data fetch" not in said
    shutil.rmtree(tmp_path / "fma_small")
    (tmp_path / "fma_small.zip").write_bytes(b"")
    assert cli.main(["data", "fetch", "fma-small", "--to", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("\nExpected SHA-1")


def test_an_interrupt_keeps_what_was_downloaded(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch.fetch_fma, "__defaults__", (None, server.base, 0, False))
    server.breaks = [300]

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch.time, "sleep", stop)
    assert cli.main(["data", "fetch", "fma-small", "--to", str(tmp_path)]) == 130
    assert (tmp_path / "fma_small.zip.part").read_bytes() == server.content[:300]
    assert "stopped" in capsys.readouterr().err


def test_the_command_offers_every_archive(capsys):
    with pytest.raises(SystemExit):
        cli.main(["data", "fetch", "--help"])
    assert "{" + ",".join(["kaggle", *ARCHIVES]) + "}" in "".join(capsys.readouterr().out.split())
