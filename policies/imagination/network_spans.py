"""The grasp network's word for where lines of sight enter and leave the objects."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from geometry import PinholeCamera, invert
from perception.grasping import SceneView, TableScene
from policies.imagination.completion import DepthSpans

_STRIDE = 2


def predict_spans(view: SceneView, scene: TableScene, weights: Path | None = None) -> DepthSpans:
    """Ask the network about a look.

    Args:
        view: the look.
        scene: the same look, cleaned; its table frame is the one that the answer stands in.
        weights: of the network; None takes those of the package.
    """
    import torch

    from perception.grasping.network import prepare

    detector = _detector(weights)
    with torch.inference_mode():
        prepared = prepare(view)
        maps = detector.network.backbone(*prepared.view)
    camera = prepared.camera
    height, width = maps.front_m.shape[1:]
    half = PinholeCamera(
        width=width,
        height=height,
        fx=camera.fx / _STRIDE,
        fy=camera.fy / _STRIDE,
        cx=(camera.cx - 0.5) / _STRIDE,
        cy=(camera.cy - 0.5) / _STRIDE,
    )
    return DepthSpans(
        front_m=maps.front_m[0].double().numpy(),
        exit_m=maps.exit_m[0].double().numpy(),
        is_object=(maps.object_logit[0] > 0.0).numpy(),
        camera=half,
        T_table_camera=invert(scene.T_world_table) @ prepared.T_world_table @ prepared.T_table_camera,
    )


@cache
def _detector(weights: Path | None):  # type: ignore[no-untyped-def]  # of a module that is imported late
    from perception.grasping.network import GraspDetector

    return GraspDetector.from_pretrained(weights)
