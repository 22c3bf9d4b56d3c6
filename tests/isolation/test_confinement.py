"""What a confined process leaves is ended, even where one look at the processes misses it."""

import os
import subprocess
import sys

import pytest

from resnet_verify import confinement
from resnet_verify.confinement import MARK, end_all


@pytest.mark.skipif(sys.platform != "linux", reason="no other system lists its processes' marks")
def test_a_daemon_that_the_first_look_misses_is_ended(tmp_path, monkeypatch):
    whole = confinement._marked
    looks = []

    def misses_at_first(folder):
        looks.append(folder)
        return whole(folder) if len(looks) > 1 else []

    monkeypatch.setattr(confinement, "_marked", misses_at_first)
    folder = str(tmp_path / "temporary")
    asleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
    gone = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    gone.wait()
    with subprocess.Popen(asleep, env={**os.environ, MARK: folder}) as daemon:
        end_all(gone.pid, folder)
        assert daemon.wait(10) == -9
