"""An executable of this package, as a process: `python -m tests.ros_standin.launching.entry NAME [ROS arguments]`.

It is the script that `ros2 run` starts, with the stand-in's packages where a real rclpy comes without them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time


def end_with(parent: int) -> None:
    """End this process when its parent does: whoever started it may be killed, and must leave no robot behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Run the executable; its exit status."""
    end_with(os.getppid())
    for number in (signal.SIGINT, signal.SIGTERM):  # until the executable has its own
        signal.signal(number, lambda *_: os._exit(0))
    from tests.ros_standin import install

    install()
    from ros_nodes import executables

    name = sys.argv.pop(1)
    return int(getattr(executables, name)())


if __name__ == "__main__":
    sys.exit(main())
