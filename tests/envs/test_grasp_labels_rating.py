"""Ratings of grasps against numbers worked out by hand, on boxes, a sphere and a cylinder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.grasp_labels import FAILURES, PlacedObject, SceneGeometry, rate_grasps
from envs.objects import ObjectModel
from geometry import PANDA_HAND, InputError, transform

BoxModel = Callable[..., ObjectModel]
DOWN = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])  # closes along the table's x
CENTER = (0.15, 0.15)

_PRIMITIVE = """<robot name="thing"><link name="thing">
  <inertial><mass value="0.1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <visual><geometry>{shape}</geometry></visual><collision><geometry>{shape}</geometry></collision>
</link></robot>"""


def down(x: float = 0.0, y: float = 0.0, z: float = 0.03, yaw_deg: float = 0.0) -> np.ndarray:
    """A grasp from straight above, its tips at height z, off the workspace's middle by x and y."""
    turn = Rotation.from_euler("z", yaw_deg, degrees=True).as_matrix()
    return transform(turn @ DOWN, (CENTER[0] + x, CENTER[1] + y, z))


def standing(model: ObjectModel, height_m: float, x: float = 0.0, y: float = 0.0, scale: float = 1.0) -> PlacedObject:
    """An object with its frame in its middle, standing on the table."""
    return PlacedObject(model, scale, transform(None, (CENTER[0] + x, CENTER[1] + y, 0.5 * height_m)))


def primitive(folder: Path, shape: str) -> ObjectModel:
    path = folder / "thing.urdf"
    path.write_text(_PRIMITIVE.format(shape=shape))
    return ObjectModel("thing", path)


def rated(geometry: SceneGeometry, *poses: np.ndarray) -> dict[str, list[float]]:
    result = rate_grasps(geometry, np.stack(poses))
    fields = {name: np.asarray(values).tolist() for name, values in result._asdict().items()}
    return {**fields, "why": [FAILURES[i] for i in result.failure]}


def test_a_box_across_its_flat_sides(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.03, 0.04, 0.06)), 0.06)])
    found = rated(geometry, down(), down(x=0.01), down(x=-0.01), down(y=0.01))
    assert found["why"] == ["none"] * 4
    assert found["object"] == [0] * 4
    assert np.allclose(found["width_m"], 0.03, atol=1e-5)
    assert np.allclose(found["quality"], 1.0)
    assert np.allclose(found["offset_m"], [0.0, -0.01, 0.01, 0.0], atol=1e-5)
    assert np.allclose(found["com_m"], [0.0, 0.0, 0.0, 0.01], atol=1e-4)


def test_the_scale_of_an_object_counts(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.03, 0.04, 0.06)), 0.12, scale=2.0)])
    assert np.allclose(rated(geometry, down(z=0.08))["width_m"], 0.06, atol=1e-5)


def test_friction_is_the_tangent_of_the_angle_to_the_normal(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.03, 0.1, 0.06)), 0.06)])
    for yaw_deg in (10.0, 20.0, 30.0):
        found = rated(geometry, down(yaw_deg=yaw_deg))
        # quality is 1.1 - friction between 0.1 and 1; the contacts are many and in the middle
        assert found["quality"][0] == pytest.approx(1.1 - np.tan(np.deg2rad(yaw_deg)), abs=2e-3)
    assert rated(geometry, down(yaw_deg=46.0))["why"] == ["no grip"]


def test_a_long_push_costs_quality(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.02, 0.04, 0.06)), 0.06)])
    quality = rated(geometry, down(x=0.0), down(x=0.015), down(x=0.025))["quality"]
    assert quality[:2] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert quality[2] == pytest.approx(0.5, abs=1e-3)


def test_a_box_wider_than_the_hand_or_nearly_so_fails(box_model: BoxModel) -> None:
    for width_m, why in ((0.076, "no grip"), (0.09, "collision")):
        geometry = SceneGeometry([standing(box_model((width_m + 0.001, 0.04, 0.06)), 0.06)])
        found = rated(geometry, down())
        assert found["quality"] == [0.0] and found["why"] == [why]


def test_the_hand_keeps_off_the_table(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.03, 0.04, 0.04)), 0.04)])
    assert rated(geometry, down(z=0.0029), down(z=0.0031))["why"] == ["table", "none"]
    level = transform([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], (*CENTER, 0.02))  # along -y, palm 2 x 31.6 mm
    raised = transform([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], (*CENTER, 0.035))
    assert rated(geometry, level, raised)["why"] == ["table", "none"]


def test_fingertips_above_the_object_meet_nothing(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.03, 0.04, 0.04)), 0.04)])
    assert rated(geometry, down(z=0.041))["why"] == ["nothing between the fingers"]
    barely, deep = rated(geometry, down(z=0.035), down(z=0.02))["quality"]
    assert 0.0 < barely < 0.5 and deep == 1.0


def test_a_hidden_neighbour_in_a_fingers_place_is_a_collision(box_model: BoxModel) -> None:
    box = box_model((0.03, 0.04, 0.06))
    free = standing(box, 0.06)
    # the finger at +x takes 40 to 59.5 mm from the middle: a neighbour from 50 mm on is in it, one from 64 mm is not
    blocked = SceneGeometry([free, standing(box, 0.06, x=0.065)])
    beside = SceneGeometry([free, standing(box_model((0.03, 0.04, 0.03)), 0.03, x=0.080)])
    assert rated(blocked, down(z=0.02))["why"] == ["collision"]
    assert rated(beside, down(z=0.02))["quality"] == [1.0]


def test_the_margin_is_two_millimetres(box_model: BoxModel) -> None:
    target, wall = standing(box_model((0.03, 0.04, 0.06)), 0.06), box_model((0.02, 0.2, 0.06))
    outer = 0.5 * PANDA_HAND.max_width_m + PANDA_HAND.finger_thickness_m
    for gap_m, why in ((0.0005, "collision"), (0.0045, "none")):
        geometry = SceneGeometry([target, standing(wall, 0.06, x=outer + gap_m + 0.01)])
        assert rated(geometry, down(z=0.02))["why"] == [why], gap_m


def test_what_hangs_over_the_way_to_the_grasp_is_a_collision(box_model: BoxModel) -> None:
    box, bar = box_model((0.03, 0.04, 0.06)), box_model((0.3, 0.02, 0.02))
    behind = 0.03 + PANDA_HAND.finger_depth_m + PANDA_HAND.palm_thickness_m  # height of the hand's back at the grasp
    for above_m, why in ((-0.03, "collision"), (0.03, "collision"), (0.08, "none")):
        hanging = PlacedObject(bar, 1.0, transform(None, (*CENTER, behind + above_m)))
        geometry = SceneGeometry([standing(box, 0.06), hanging])
        assert rated(geometry, down())["why"] == [why], above_m


def test_fingers_that_meet_two_objects_hold_neither(box_model: BoxModel) -> None:
    slab = box_model((0.015, 0.04, 0.06))
    geometry = SceneGeometry([standing(slab, 0.06, x=-0.01), standing(slab, 0.06, x=0.01)])
    found = rated(geometry, down())
    assert found["why"] == ["no grip"] and found["object"] == [-1]


def test_each_object_is_known_by_its_number(box_model: BoxModel) -> None:
    box = box_model((0.02, 0.04, 0.06))
    geometry = SceneGeometry([standing(box, 0.06, x=-0.09), standing(box, 0.06, x=0.09)])
    assert rated(geometry, down(x=0.09), down(x=-0.09), down())["object"] == [1, 0, -1]


def test_a_sphere_across_its_middle_and_off_it(tmp_path: Path) -> None:
    sphere = primitive(tmp_path, '<sphere radius="0.025"/>')
    geometry = SceneGeometry([standing(sphere, 0.05)])
    middle, high = rate_grasps(geometry, np.stack([down(z=0.016), down(z=0.043)])).width_m
    # a ray 9 mm behind the tips runs through the middle; one 3 mm behind them 21 mm above it
    assert middle == pytest.approx(0.050, abs=4e-4)
    assert high == pytest.approx(2.0 * np.sqrt(0.025**2 - 0.021**2), abs=4e-4)
    quality = rate_grasps(geometry, np.stack([down(z=0.016), down(z=0.028), down(z=0.043)])).quality
    assert quality[0] > 0.9 and quality[0] > quality[1] > quality[2] == 0.0


def test_a_cylinder_is_the_same_from_all_around(tmp_path: Path) -> None:
    cylinder = primitive(tmp_path, '<cylinder radius="0.02" length="0.08"/>')
    geometry = SceneGeometry([standing(cylinder, 0.08)])
    found = rate_grasps(geometry, np.stack([down(z=0.04, yaw_deg=a) for a in range(0, 180, 15)]))
    assert np.allclose(found.width_m, 0.04, atol=4e-4)  # the mesh has 32 sides
    assert np.all(found.quality > 0.9)


def test_half_a_turn_of_the_hand_is_the_same_grasp(box_model: BoxModel) -> None:
    geometry = SceneGeometry([standing(box_model((0.03, 0.05, 0.06)), 0.06)])
    one, other = down(x=0.006, yaw_deg=12.0), down(x=0.006, yaw_deg=192.0)
    found = rate_grasps(geometry, np.stack([one, other]))
    assert found.quality[0] == pytest.approx(float(found.quality[1]), abs=1e-4)
    assert found.offset_m[0] == pytest.approx(-float(found.offset_m[1]), abs=1e-5)


def test_no_objects_and_no_grasps() -> None:
    assert rated(SceneGeometry([]), down())["why"] == ["nothing between the fingers"]
    assert len(rate_grasps(SceneGeometry([]), np.empty((0, 4, 4))).quality) == 0
    with pytest.raises(InputError, match=r"poses \(N, 4, 4\)"):
        rate_grasps(SceneGeometry([]), np.eye(4))
