"""Services end with what started them, also when that is killed; those of the tests do, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

STARTER = """
import sys, time
from pathlib import Path
from ecomind.settings import Settings
from orchestration.services import Running, Service
settings = Settings(home=Path(sys.argv[1]))
settings.logs_dir.mkdir(parents=True)
service = Service("idle", [sys.executable, "-c", "import time; time.sleep(600)"], "127.0.0.1", 0)
running = Running(service, settings)
print(running.pid, flush=True)
time.sleep(600)
"""

OF_A_TEST = """
import subprocess, sys, time
from tests.support.outlived import ends_with_tests
idle = [sys.executable, "-c", "import time; time.sleep(600)"]
print(ends_with_tests(subprocess.Popen(idle, start_new_session=True)).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("program", [STARTER, OF_A_TEST], ids=["service", "of a test"])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_service_ends_when_what_started_it_is_killed(tmp_path: Path, program: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    service = psutil.Process(int(starter.stdout.readline()))
    assert service.is_running()
    starter.kill()
    starter.wait()
    starter.stdout.close()
    service.wait(30)
    assert not service.is_running()
