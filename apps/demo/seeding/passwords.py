"""The demo's password: known, because the demo listens on this machine only."""

import os


def demo_password() -> str:
    """DEMO_PASSWORD, or the known one."""
    return os.environ.get("DEMO_PASSWORD", "velo-demo")
