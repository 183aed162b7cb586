"""Faults in the whole running stack, played one after another: what was said, what the arm did, how work went on.

    python -m benchmarks.ros_faults [--rooms senses arm nodes] [--only TEXT ...] [--json FILE]
    python -m benchmarks.ros_faults --table FILE ... > rows.md

The stack is that of `pick.launch.py sim:=true`: a process for each node on a real rclpy where there is one, else all
in one process on the tests' stand-in for it, and the result says which. Faults that FILE holds already, and that went
as they should, are not played again. ROS_DOMAIN_ID counts where it is set. The second form writes results as rows of a
table and plays nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.ros_standin import install, installed

install()

from tests.ros_nodes.fault_cases_arm import ARM  # noqa: E402
from tests.ros_nodes.fault_cases_nodes import NODES  # noqa: E402
from tests.ros_nodes.fault_cases_senses import SENSES  # noqa: E402
from tests.ros_nodes.fault_play import Fault, broken_off, play  # noqa: E402
from tests.ros_nodes.fault_stack import SPEED, FaultStack, campaign_stack  # noqa: E402
from tests.ros_nodes.session import RosSession  # noqa: E402

ROOMS: dict[str, tuple[Fault, ...]] = {"senses": SENSES, "arm": ARM, "nodes": NODES}


def main() -> int:
    """Play, print, and write; 0 where everything was as it should be."""
    options = _options()
    if options.table:
        print(_table(_merged(options.table)))
        return 0
    faults = [fault for room in options.rooms for fault in ROOMS[room]]
    chosen = [f for f in faults if not options.only or any(text in f.name for text in options.only)]
    rows = _play(chosen, options.json)
    print(_table(rows))
    bad = sum(bool(row["problems"]) for row in rows)
    print(f"{len(rows) - bad} of {len(rows)} faults went as they should", file=sys.stderr)
    return int(bad > 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", choices=sorted(ROOMS), default=list(ROOMS))
    parser.add_argument("--only", nargs="+", default=[], help="faults whose name contains one of these")
    parser.add_argument("--json", type=Path, help="file for the result")
    parser.add_argument("--table", type=Path, nargs="+", help="results to write as a table")
    return parser.parse_args()


def _play(faults: list[Fault], path: Path | None) -> list[dict[str, Any]]:
    """Play what has not been played well yet; what is done is written after each."""
    rows = [row for row in _read(path) if not row["problems"]] if path and path.exists() else []
    done = {row["fault"] for row in rows}
    result = {"rclpy": "stand-in of the tests" if installed() else _real(), "speed": SPEED, "rows": rows}
    given = os.environ.get("ROS_DOMAIN_ID")
    session = RosSession(threads=24, domain_id=int(given) if given else None)
    stack = None
    try:
        stack = campaign_stack(session)
        for fault in faults:
            if fault.name in done:
                continue
            row = _row(stack, fault)
            rows.append(row)
            if path:
                path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            told = f"{'ok ' if not row['problems'] else 'BAD'} {fault.name} {row['problems'] or ''}"
            print(told, file=sys.stderr, flush=True)
    finally:
        if stack is not None:
            stack.close()
        session.close()
    return rows


def _row(stack: FaultStack, fault: Fault) -> dict[str, Any]:
    """How one fault went, and how busy the machine was; a play that broke off is no reason to end the campaign."""
    try:
        row = play(stack, fault)
    except (AssertionError, TimeoutError) as error:
        row = broken_off(fault, error)
    return {**row._asdict(), "motion": row.motion._asdict(), "load": os.getloadavg()[0]}


def _real() -> str:
    """Which rclpy this is."""
    import rclpy

    return f"{metadata.version('rclpy')}, {rclpy.get_rmw_implementation_identifier()}"


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows


def _merged(paths: list[Path]) -> list[dict[str, Any]]:
    """Rows in the rooms' order; of a fault that was played more than once, the last."""
    played = {row["fault"]: row for path in paths for row in _read(path)}
    return [played[fault.name] for room in ROOMS.values() for fault in room if fault.name in played]


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| fault | when | diagnostics | pickup | arm after the fault | work resumed |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            row["fault"] + (" **(not as it should be)**" if row["problems"] else ""),
            row["at"],
            "<br>".join(f"`{_shortened(words, row['ending'])}`" for words in row["words"]) or "nothing is wrong",
            row["ending"],
            _arm(row["motion"]),
            f"{row['resumed']}, {row['resumed_s']:.0f} s" if not row["resumed"].startswith("no") else row["resumed"],
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def _shortened(words: str, ending: str) -> str:
    """Words without what the ending says anyway."""
    status, _, message = words.partition("]: ")
    said = message.partition(": ")[2]
    return f"{status}]: as the pickup's result" if status.startswith("pick_server: task") and said in ending else words


def _arm(motion: dict[str, float]) -> str:
    if math.isnan(motion["moved_rad"]):
        return "not measured: joint states were silent"
    if motion["moved_rad"] < 1e-3:
        return "stood still"
    return (
        f"moved {motion['moved_rad']:.2f} rad, at rest after {motion['stopped_s']:.1f} s, "
        f"at most {100 * motion['peak_share']:.0f} % of a joint's speed"
    )


if __name__ == "__main__":
    sys.exit(main())
