"""The clutter scenes played through ROS: sim_robot, grasp_detector, safety, pick_server, table_clearer.

    python -m benchmarks.ros_clutter [--rounds 5] [--seeds 0 1] [--without-ros] [--json FILE]

Beside it, with `--without-ros`, the same scenes (same seeds) as `graspmimic bench clutter --setting robot` plays them.
Success is pickups that brought something to the bin over pickups carried out, cleared is objects in the bin over
objects presented; the simulation counts, not the robot. It runs on a real rclpy where there is one, with a process for
each node and at life's pace, else in one process on the tests' stand-in, and says which.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from scipy.stats import binomtest

from envs.objects import load_objects
from graspmimic.planners import make_planner
from policies import run_robot_clutter
from tests.ros_standin import install, installed

install()

from tests.ros_nodes.clutter_stack import ClutterStack  # noqa: E402
from tests.ros_nodes.session import RosSession  # noqa: E402


class Round(NamedTuple):
    """How one scene went."""

    seed: int
    round: int
    presented: int
    cleared: int
    lost: int
    picks: int
    successes: int
    stop: str
    robot_s: float
    planning_s: float
    wall_s: float


def main() -> None:
    """Play, print, and write."""
    options = _options()
    parts: dict[str, Any] = {"rclpy": "stand-in of the tests" if installed() else "real", "seeds": options.seeds}
    print(f"rclpy: {parts['rclpy']}")
    with_ros = _with_ros(options)
    parts["ros"] = _summary(with_ros)
    if options.without_ros:
        parts["without_ros"] = _summary(_without_ros(options))
    parts["rounds"] = [done._asdict() for done in with_ros]
    for name in ("ros", "without_ros"):
        if name in parts:
            print(f"{name}: {json.dumps(parts[name])}")
    if options.json:
        options.json.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--objects", default="procedural")
    parser.add_argument(
        "--speed", type=float, help="simulated seconds a second; 0, the default on the stand-in, is as fast as it can"
    )
    parser.add_argument("--without-ros", action="store_true", help="play the same scenes without ROS, too")
    parser.add_argument("--json", type=Path, help="file for the result")
    return parser.parse_args()


def _with_ros(options: argparse.Namespace) -> list[Round]:
    done = []
    speed = options.speed if options.speed is not None else 0.0 if installed() else 1.0
    given = os.environ.get("ROS_DOMAIN_ID")
    for seed in options.seeds:
        session = RosSession(domain_id=int(given) if given else None)
        try:
            stack = ClutterStack(session, options.objects, seed, speed)
            try:
                for number in range(options.rounds):
                    done.append(play_round(stack, seed, number))
                    print(done[-1], flush=True)
                    if number + 1 < options.rounds:
                        stack.call("/sim_robot/next_scene", 120.0)
            finally:
                stack.close()
        finally:
            session.close()
    return done


def play_round(stack: ClutterStack, seed: int, number: int) -> Round:
    """Clear the scene that stands there, and ask the simulation how it went."""
    began_s = time.monotonic()
    told = json.loads(stack.call("/table_clearer/clear", 1200.0).message)
    wall_s = time.monotonic() - began_s
    score = stack.score()
    assert (score["seed"], score["round"]) == (seed, number), f"another scene than asked for: {score}"
    if told["stop"] == "fault":
        print(f"  fault: {told['message']}", flush=True)
    return Round(
        seed=seed,
        round=number,
        presented=score["presented"],
        cleared=score["cleared"],
        lost=score["lost"],
        picks=told["picks"],
        successes=score["deliveries"],
        stop="cleared" if score["left"] == 0 else told["stop"],
        robot_s=told["time_s"],
        planning_s=told["planning_s"],
        wall_s=round(wall_s, 3),
    )


def _without_ros(options: argparse.Namespace) -> list[Round]:
    result = run_robot_clutter(
        make_planner("network"), load_objects(options.objects), rounds=options.rounds, seeds=options.seeds, processes=1
    )
    return [
        Round(
            seed=done.seed,
            round=done.round,
            presented=done.result.presented,
            cleared=done.result.cleared,
            lost=done.result.lost,
            picks=done.result.attempts,
            successes=done.result.successes,
            stop=done.result.stop,
            robot_s=round(done.result.robot_s, 3),
            planning_s=round(done.result.computing_s, 3),
            wall_s=float("nan"),
        )
        for done in result.rounds
    ]


def _summary(rounds: list[Round]) -> dict[str, Any]:
    cleared, picks = sum(r.cleared for r in rounds), sum(r.picks for r in rounds)
    presented, successes = sum(r.presented for r in rounds), sum(r.successes for r in rounds)
    stops = [r.stop for r in rounds]
    return {
        "rounds": len(rounds),
        "picks": picks,
        "presented": presented,
        "cleared_objects": cleared,
        "successes": successes,
        "success": successes / picks if picks else float("nan"),
        "success_interval": _wilson(successes, picks),
        "cleared": cleared / presented,
        "cleared_interval": _wilson(cleared, presented),
        "robot_s": round(sum(r.robot_s for r in rounds), 1),
        "planning_s": round(sum(r.planning_s for r in rounds), 1),
        "stops": {stop: stops.count(stop) for stop in sorted(set(stops))},
    }


def _wilson(count: int, of: int) -> list[float]:
    """95 % interval."""
    if not of:
        return [0.0, 1.0]
    interval = binomtest(count, of).proportion_ci(method="wilson")
    return [round(float(interval.low), 4), round(float(interval.high), 4)]


if __name__ == "__main__":
    main()
