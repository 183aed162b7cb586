"""A robot does a task program at a workbench: on other things, lying elsewhere than where it was shown."""

from policies.execution.binding import Binding, bind
from policies.execution.executor import ExecutionConfig, execute
from policies.execution.grasp_choice import Detect
from policies.execution.grasp_sight import detect_with
from policies.execution.rehearsal import benchable, rehearsal_scene
from policies.execution.result import ExecutionResult, StepOutcome
from policies.execution.sight import Locate, NoisySight, SightConfig
from policies.execution.teach_trial import TeachTrial, TrialOutcome, do_at, run_trial

__all__ = [
    "Binding",
    "Detect",
    "ExecutionConfig",
    "ExecutionResult",
    "Locate",
    "NoisySight",
    "SightConfig",
    "StepOutcome",
    "TeachTrial",
    "TrialOutcome",
    "benchable",
    "bind",
    "detect_with",
    "do_at",
    "execute",
    "rehearsal_scene",
    "run_trial",
]
