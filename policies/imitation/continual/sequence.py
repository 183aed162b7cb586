"""Learning a sequence of tasks with a look at all of them after each: the forgetting matrix, in a run that can go on.

After every task the weights, what holds or replays earlier ones, and the rates so far are written as one file pair;
the same call goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from geometry import InputError
from perception.grasping.network import load_weights, save_weights
from policies.demonstrations import Episode, SetInfo
from policies.imitation.continual.forgetting import SuccessHistory
from policies.imitation.continual.learner import ContinualConfig, ContinualLearner
from policies.imitation.continual.shared_space import SharedSpace
from policies.imitation.continual.task_policy import TaskPolicy, TaskPolicyConfig
from policies.imitation.data_layout import DataLayout
from policies.imitation.policy import Policy
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.policy_file import POLICY_NAME, save_policy_file
from policies.imitation.training import fingerprint

FORMAT = "graspmimic sequence of tasks 1"
PROGRESS_NAME = "progress.safetensors"


class TaskData(NamedTuple):
    """A task to be learned."""

    name: str
    """Of the task."""
    info: SetInfo
    """What its numbers mean."""
    episodes: Sequence[Episode]
    """Its demonstrations."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How often the policy is judged, by episodes."""

    moments: int = 3
    """Moments of each task's training at which it is judged on that task: the last at its end, and one more before."""
    learning: int = 20
    """Episodes at each of them."""
    cell: int = 50
    """Episodes for each task after each."""
    last: int = 100
    """Episodes for each task after the last."""

    def __post_init__(self) -> None:
        if min(self.moments, self.learning, self.cell, self.last) < 1:
            raise InputError("Looks", expected="numbers of at least 1", got=f"{self}")


Judge = Callable[[TaskPolicy, int], float]
"""Success of a policy on its task, over so many episodes from the first one of those that are always the same."""


@dataclass
class Rates:
    """Successes so far."""

    matrix: list[list[float]] = field(default_factory=list)
    """Row i: tasks 0 to i after task i; joint training: the one row after all."""
    learning: list[list[float]] = field(default_factory=list)
    """Row k: on task k at the moments of its training."""
    untrained: list[float] = field(default_factory=list)
    """On each task before any training."""

    def history(self) -> SuccessHistory:
        """Of a finished sequence that was no joint training."""
        tasks = len(self.untrained)
        matrix = np.full((tasks, tasks), np.nan)
        for row, rates in enumerate(self.matrix):
            matrix[row, : len(rates)] = rates
        return SuccessHistory(matrix, np.array(self.learning), np.array(self.untrained))


def learn_sequence(
    tasks: Sequence[TaskData],
    policy_config: PolicyConfig,
    config: ContinualConfig,
    judge: Judge,
    output: Path,
    *,
    seed: int,
    looks: Looks,
    on_look: Callable[[str], None] | None = None,
) -> Rates:
    """Learn tasks one after the other (or jointly), judged all the while; a stopped run goes on after its last task.

    Args:
        tasks: in their order.
        policy_config: of the policy; `keys` are those of the shared space.
        config: how they are learned.
        judge: plays.
        output: folder of the progress, and in the end of `TASK/policy.safetensors` for each task.
        seed: of weights and draws.
        looks: how often it is judged.
        on_look: called with a line about what was just judged.
    Raises:
        InputError: if the folder holds another run.
    """
    run = _Sequence(tasks, policy_config, config, judge, output, seed, looks, on_look or (lambda _: None))
    return run.play()


class _Sequence:
    def __init__(
        self,
        tasks: Sequence[TaskData],
        policy_config: PolicyConfig,
        config: ContinualConfig,
        judge: Judge,
        output: Path,
        seed: int,
        looks: Looks,
        tell: Callable[[str], None],
    ) -> None:
        if not tasks or len({task.name for task in tasks}) < len(tasks):
            got = ", ".join(task.name for task in tasks) or "none"
            raise InputError("learn_sequence", expected="different tasks, one at least", got=got)
        self._tasks, self._config, self._judge, self._looks, self._tell = tasks, config, judge, looks, tell
        self._policy_config, self._output = policy_config, output
        self._space = SharedSpace.of({task.name: task.info for task in tasks})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            policy = policy_config.make(self._space.layout)
        policy.eval()
        self._learner = ContinualLearner(policy, config, seed)
        self._rates = Rates()
        self._identity = {
            "policy": {"kind": policy_config.kind, **asdict(policy_config)},
            "config": asdict(config),
            "seed": seed,
            "looks": asdict(looks),
            "tasks": {task.name: fingerprint(task.episodes) for task in tasks},
        }
        self._identity = json.loads(json.dumps(self._identity))

    def play(self) -> Rates:
        done = self._resume()
        if self._config.method == "joint":
            if not done:
                self._all_at_once()
        else:
            for number in range(done, len(self._tasks)):
                self._next(number)
        for task in self._tasks:
            if not (self._output / task.name / POLICY_NAME).exists():
                self._save_policy(task)
        return self._rates

    def _next(self, number: int) -> None:
        self._enter(number)
        rates, look = self._rates, self._looks
        task = self._tasks[number]
        before = self._judged(self._learner.policy, number, look.learning)
        if not number:
            rates.untrained = [before]
        learning = [before]
        steps = self._config.training.steps
        moments = [round(steps * (n + 1) / look.moments) for n in range(look.moments)]
        self._learner.learn(
            self._shared(task),
            moments=moments,
            look=lambda policy: learning.append(self._judged(policy, number, look.learning)),
        )
        episodes = look.last if number == len(self._tasks) - 1 else look.cell
        rates.matrix.append([self._judged(self._learner.policy, k, episodes) for k in range(number + 1)])
        rates.learning.append(learning)
        self._save(number + 1)

    def _all_at_once(self) -> None:
        for number in range(len(self._tasks)):
            self._enter(number)
        self._learner.learn_jointly([self._shared(task) for task in self._tasks])
        last = self._looks.last
        self._rates.matrix = [[self._judged(self._learner.policy, k, last) for k in range(len(self._tasks))]]
        self._save(len(self._tasks))

    def _enter(self, number: int) -> None:
        """A task comes in: numbers that are new with it get their scales, and the untrained policy is judged on it."""
        task = self._tasks[number]
        self._space = self._space.with_scales_of(task.name, task.episodes)
        if number and self._config.method != "joint":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._learner.seed)
                fresh = self._policy_config.make(self._space.layout).eval()
            self._rates.untrained.append(self._judged(fresh, number, self._looks.learning))

    def _shared(self, task: TaskData) -> list[Episode]:
        return [self._space.episode(task.name, episode) for episode in task.episodes]

    def _judged(self, policy: Policy, number: int, episodes: int) -> float:
        name, info, _ = self._tasks[number]
        rate = self._judge(TaskPolicy(policy, self._space, name, DataLayout.of_info(info)), episodes)
        self._tell(f"{self._config.method}, after {self._learner.learned} tasks, {name}: {rate:.2f}")
        return rate

    def _resume(self) -> int:
        """How many tasks are done."""
        file = self._output / PROGRESS_NAME
        if not file.exists():
            return 0
        tensors, record = load_weights(file, FORMAT)
        if record["identity"] != self._identity:
            remedy = "choose another --output"
            raise InputError(str(file), expected="this run's progress", got="another's", remedy=remedy)
        done = int(record["done"])
        for task in self._tasks[:done]:
            self._space = self._space.with_scales_of(task.name, task.episodes)
        parts: dict[str, dict[str, torch.Tensor]] = {"policy": {}, "springs": {}}
        for name, tensor in tensors.items():
            part, _, key = name.partition("/")
            parts[part][key] = tensor
        self._learner.resume(parts["policy"], parts["springs"], [self._shared(task) for task in self._tasks[:done]])
        self._rates = Rates(**record["rates"])
        return done

    def _save(self, done: int) -> None:
        springs = self._learner.springs
        tensors = {f"policy/{name}": tensor for name, tensor in self._learner.policy.state_dict().items()}
        tensors |= {f"springs/{name}": tensor for name, tensor in (springs.tensors() if springs else {}).items()}
        record = {"format": FORMAT, "identity": self._identity, "done": done, "rates": asdict(self._rates)}
        save_weights(self._output / PROGRESS_NAME, tensors, record)

    def _save_policy(self, task: TaskData) -> None:
        config = TaskPolicyConfig.of(task.name, self._space, self._policy_config)
        layout = DataLayout.of_info(task.info)
        metadata = {"identity": self._identity, "env": task.info.env, "env_options": dict(task.info.env_options)}
        policy = TaskPolicy(self._learner.policy, self._space, task.name, layout)
        save_policy_file(self._output / task.name / POLICY_NAME, policy, config, layout, metadata)
