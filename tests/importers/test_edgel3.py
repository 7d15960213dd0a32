"""The download of published students, against a stand-in for the network."""

from __future__ import annotations

from pathlib import Path

import pooch
import pytest
import requests
from seatool.errors import InputError, ToolError
from seatool.importers import edgel3

CONTENTS = b"a student"


class Network:
    """Serves ``contents`` for every address; raises ``failure`` instead if there is one."""

    def __init__(self, contents: bytes, failure: Exception | None = None) -> None:
        self.contents = contents
        self.failure = failure
        self.requests: list[str] = []

    def __call__(self, url: str, output_file: str, source: object) -> None:
        self.requests.append(url)
        if self.failure:
            raise self.failure
        Path(output_file).write_bytes(self.contents)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    stand_in = Network(CONTENTS)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: stand_in)
    monkeypatch.setitem(edgel3._BLOBS, 128, edgel3._blob_id(CONTENTS))
    return stand_in


def test_blob_ids_are_gits() -> None:
    # printf 'hello\n' | git hash-object --stdin
    assert edgel3._blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_downloads_once_into_the_cache(network: Network, tmp_path: Path) -> None:
    path = edgel3.fetch(128)
    assert path == tmp_path / "seatool" / "edgel3_sea_ust_audio_emb_128.h5.gz"
    assert path.read_bytes() == CONTENTS
    assert edgel3.fetch(128) == path
    assert network.requests == ["https://github.com/ksangeeta2429/edgel3/raw/models/edgel3_sea_ust_audio_emb_128.h5.gz"]


def test_a_damaged_copy_in_the_cache_is_replaced(network: Network) -> None:
    path = edgel3.fetch(128)
    path.write_bytes(b"cut off")
    assert edgel3.fetch(128).read_bytes() == CONTENTS
    assert len(network.requests) == 2


def test_a_wrong_file_is_refused_and_not_kept(network: Network, tmp_path: Path) -> None:
    network.contents = b"another file"
    with pytest.raises(InputError, match="not the published file"):
        edgel3.fetch(128)
    assert list((tmp_path / "seatool").iterdir()) == []


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (OSError("no route to host"), "no route to host"),
        (requests.ConnectionError("pages of text"), "github.com cannot be reached from here"),
        (requests.Timeout("pages of text"), "the server took too long to answer"),
    ],
)
def test_offline_says_what_to_do_by_hand(network: Network, tmp_path: Path, failure: OSError, reason: str) -> None:
    network.failure = failure
    with pytest.raises(ToolError, match=f"the download failed: {reason}$") as caught:
        edgel3.fetch(128)
    assert caught.value.hint is not None
    assert "https://github.com/ksangeeta2429/edgel3/raw/models/edgel3_sea_ust_audio_emb_128.h5.gz" in caught.value.hint
    assert str(tmp_path / "seatool" / "edgel3_sea_ust_audio_emb_128.h5.gz") in caught.value.hint
    assert list((tmp_path / "seatool").iterdir()) == []


def test_unknown_size() -> None:
    with pytest.raises(InputError, match="no published student with 100 outputs"):
        edgel3.fetch(100)


def test_the_known_student_has_the_published_blob_id(shared_data: Path) -> None:
    data = (shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz").read_bytes()
    assert edgel3._blob_id(data) == edgel3._BLOBS[64]
