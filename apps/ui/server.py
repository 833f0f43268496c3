"""Starting the app: one process, bound to the loopback, no telemetry, no outside request, quiet logs."""

import os
from pathlib import Path
from typing import Any

from .context import Context, set_context
from .guard import quiet_logs
from .look import theme_options

SCRIPT = Path(__file__).with_name("app.py")
PRIVATE = 0o077


def serve(context: Context, *, address: str, port: int, open_browser: bool) -> None:
    """Serve the app until it is interrupted."""
    from streamlit.web import bootstrap

    os.umask(PRIVATE)
    set_context(context)
    options = server_options(address, port, open_browser=open_browser)
    bootstrap.load_config_options({name.replace(".", "_"): value for name, value in options.items()})
    quiet_logs()
    try:
        bootstrap.run(str(SCRIPT), False, [], options)
    finally:
        context.store.close()


def server_options(address: str, port: int, *, open_browser: bool) -> dict[str, Any]:
    """Return Streamlit's options."""
    return {
        "server.address": address,
        "server.port": port,
        "server.headless": not open_browser,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableStaticServing": False,
        "server.showEmailPrompt": False,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": address,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "viewer",
        "logger.level": "warning",
        "logger.enableRich": False,
        "global.developmentMode": False,
        **theme_options(),
    }
