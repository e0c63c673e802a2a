"""Two gigabytes go up and come down while the web process stays small: a sparse file, so that no disk fills up."""

import hashlib
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.core.permissions import scopes
from tests.served import Web, web_process

SIZE = 2 * 1024**3
GROWTH = 50 * 1024**2
CHUNK = 1_048_576


@pytest.fixture
def web(transactional_db: None) -> Iterator[Web]:
    folder = Path(tempfile.mkdtemp(prefix="portal-large-"))
    with web_process(folder) as web:
        yield web
    shutil.rmtree(folder)


def resident(pid: int) -> int:
    """Bytes in memory of the process and of what it has started."""
    parents = {int(p.parent.name): p for p in Path("/proc").glob("[0-9]*/stat")}
    family, found = {pid}, 0
    for child, stat in sorted(parents.items()):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) in family:
            family.add(child)
    for one in family:
        status = Path(f"/proc/{one}/status").read_text()
        found += next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    return found


@pytest.mark.timeout(600)
def test_two_gigabytes_pass_through_a_small_web_process(web: Web, owner: User, tmp_path: Path) -> None:
    token = create_token(actor=owner, name="large", scopes=scopes()).secret
    address = f"{web.address}/api/2.0/mlflow-artifacts/artifacts/uploads/{'b' * 32}/large.bin"
    headers = {"Authorization": f"Bearer {token}"}
    warm = urllib.request.Request(address.replace("large.bin", "small.bin"), b"x" * CHUNK, headers, method="PUT")
    urllib.request.urlopen(warm, timeout=60).close()
    before, largest = resident(web.pid), 0
    with tempfile.TemporaryFile() as sparse:
        sparse.truncate(SIZE)

        class Watched:
            """Read by the client as it sends; looks at the server between two pieces."""

            def read(self, size: int = CHUNK) -> bytes:
                nonlocal largest
                if sparse.tell() % (256 * CHUNK) < size:
                    largest = max(largest, resident(web.pid))
                return sparse.read(max(size, CHUNK))

        body: Any = Watched()
        sent = urllib.request.Request(address, body, {**headers, "Content-Length": str(SIZE)}, method="PUT")
        urllib.request.urlopen(sent, timeout=600).close()
    largest = max(largest, resident(web.pid))
    digest, received = hashlib.sha256(), 0
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=600) as answer:
        while chunk := answer.read(CHUNK):
            digest.update(chunk)
            received += len(chunk)
            if received % (256 * CHUNK) < CHUNK:
                largest = max(largest, resident(web.pid))
    assert received == SIZE
    assert answer.headers["Repr-Digest"]
    assert largest - before < GROWTH, f"grew by {(largest - before) // 1024**2} MB"
    part = urllib.request.Request(address, headers={**headers, "Range": f"bytes={SIZE - 4}-"})
    with urllib.request.urlopen(part, timeout=600) as answer:
        assert (answer.status, answer.read()) == (206, b"\0\0\0\0")
