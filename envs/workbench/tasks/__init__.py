"""Ten tasks that a person shows at the bench and a robot does."""

from envs.workbench.task import WorkbenchTask
from envs.workbench.tasks.other_moves import hand_over, pour, push_to_line
from envs.workbench.tasks.placing import place_beside, place_in, place_on, stack
from envs.workbench.tasks.sequences import four_step, sort_by_size, two_step

TASKS = {
    task.name: task
    for task in (
        WorkbenchTask(name="place_on", text="put the cube on the plate", draw=place_on),
        WorkbenchTask(name="place_in", text="put the cube into the bowl", draw=place_in),
        WorkbenchTask(name="place_beside", text="put the cube to the left of the can", draw=place_beside),
        WorkbenchTask(name="stack", text="put the red cube on the blue cube", draw=stack),
        WorkbenchTask(
            name="sort_by_size", text="small cube on the left tray, large cube on the right tray", draw=sort_by_size
        ),
        WorkbenchTask(name="pour", text="pour what is in the cup into the bowl", draw=pour),
        WorkbenchTask(name="push_to_line", text="push the block to the line", draw=push_to_line),
        WorkbenchTask(name="hand_over", text="give the can to the second person", draw=hand_over),
        WorkbenchTask(name="two_step", text="cube into the box, then the can on the plate", draw=two_step),
        WorkbenchTask(
            name="four_step",
            text="red cube into the box, blue cube on the plate, green cube on it, block to the line",
            draw=four_step,
        ),
    )
}
"""Every task by its name."""

__all__ = ["TASKS"]
