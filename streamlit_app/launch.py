"""How the dashboard is started.

Belongs here: the command line of the Streamlit server. Does not belong here: starting or
watching the process; ``ecomind up`` does that.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ecomind.settings import Settings

SERVER = Path(__file__).with_name("server.py")


def command(settings: Settings) -> list[str]:
    """The command that serves the dashboard on ``settings.host:dashboard_port``.

    It asks nothing on the terminal, reports to nobody and watches no files. Configuration
    beside the app supplies themes; these arguments win over any other configuration.
    """
    options = {
        "server.address": settings.host,
        "server.port": str(settings.dashboard_port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.enableStaticServing": "false",
        "runner.magicEnabled": "false",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": settings.host,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(SERVER), *arguments]
