"""A node as a process of its own, which can be hurt: `python -m tests.ros_nodes.node_process EXECUTABLE [ROS args]`."""

from __future__ import annotations

import os
import sys
from typing import Any

from tests.ros_standin import install

install()

from ros_nodes.running import run_node  # noqa: E402
from tests.ros_nodes.hurts import add_hurts  # noqa: E402
from tests.ros_standin.launching import node_class  # noqa: E402
from tests.ros_standin.launching.entry import end_with  # noqa: E402

READY = "the node is made"


def main() -> int:
    """As the executable's own `main`, but for the services that hurt, and a line when the node is made."""

    def made() -> Any:
        node = node_class(sys.argv[1])()
        add_hurts(node)
        print(READY, flush=True)
        return node

    end_with(os.getppid())
    return run_node(made, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
