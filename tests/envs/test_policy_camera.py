"""The fast camera: exact on boxes by hand computation, near the exact camera on robots, and never stale."""

import numpy as np
import pytest

from envs.cameras import PolicyCamera, RaycastCamera, visual_parts
from envs.cameras.convex_pieces import convex_pieces
from envs.cameras.convex_world import ConvexWorld
from envs.panda import PandaArm
from envs.world import World
from geometry import InputError, PinholeCamera, look_at, transform

CAMERA = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=32.0, cy=24.0)
DOWN = look_at((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))
"""Camera 1 m above the origin; image x is world x, image y is world -y."""
SQUARE = PinholeCamera(width=128, height=128, fx=110.85, fy=110.85, cx=63.5, cy=63.5)
"""60 degrees of view."""
BESIDE = look_at((0.8, 0.6, 0.8), (-0.25, 0.0, 0.25))
BENT_Q = (0.3, 0.4, -0.2, -2.0, 0.1, 2.4, 0.9)


@pytest.fixture
def world():
    with World() as world:
        yield world


@pytest.fixture(scope="module")
def panda_scene():
    """A Panda behind a table with three cubes of 4 cm."""
    with World() as world:
        table = world.add_box((0.55, 0.35, 0.2), transform(translation=(-0.3, 0.0, -0.2)))
        arm = PandaArm(world, transform(translation=(-0.6, 0.0, 0.0)), q=BENT_Q)
        cubes = [
            world.add_box((0.02, 0.02, 0.02), transform(translation=(0.08 * i, 0.1 - 0.1 * i, 0.02)), mass_kg=0.1)
            for i in range(3)
        ]
        yield world, arm, table, cubes


def add_visual(world, kind, translation, **size):
    shape = world.bullet.createVisualShape(kind, **size)
    return world.bullet.createMultiBody(0.0, -1, shape, translation)


def same_image(a, b):
    for name in ("depth_m", "segmentation", "rgb"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_an_empty_world_has_no_return(world):
    frame = PolicyCamera(world, CAMERA, background=(1.0, 0.0, 0.5)).render(DOWN, color=True)
    assert frame.depth_m.shape == (48, 64) and frame.depth_m.dtype == np.float32 and not frame.depth_m.any()
    assert frame.segmentation.dtype == np.int32 and (frame.segmentation == -1).all()
    assert frame.rgb.dtype == np.uint8 and (frame.rgb == (255, 0, 128)).all()
    assert PolicyCamera(world, CAMERA).render(DOWN).rgb is None


def test_box_top_and_floor_have_their_depths_and_labels(world):
    floor = world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)))
    box = world.add_box((0.1, 0.2, 0.15), transform(translation=(0.0, 0.0, 0.15)), mass_kg=1.0)
    frame = PolicyCamera(world, CAMERA).render(DOWN)
    # The top stands 0.7 m away: half extents 0.1 and 0.2 m are 60 / 0.7 x 0.1 = 8.57 and 17.14 pixels.
    v, u = np.mgrid[:48, :64]
    top = (np.abs(u - 32) <= 8) & (np.abs(v - 24) <= 17)
    assert (frame.segmentation[top] == box.uid).all() and (frame.segmentation[~top] == floor.uid).all()
    np.testing.assert_allclose(frame.depth_m[top], 0.7, atol=1e-6)
    np.testing.assert_allclose(frame.depth_m[~top], 1.0, atol=1e-6)


@pytest.mark.parametrize("cx, cy", [(32.0, 24.0), (10.25, 40.5), (-20.0, 30.0)])
def test_a_tilted_plane_has_the_depth_of_its_equation(world, cx, cy):
    camera = PinholeCamera(width=61, height=45, fx=70.0, fy=55.0, cx=cx, cy=cy)
    angle = 0.5
    R = _turned(angle)
    world.add_box((3.0, 3.0, 0.5), transform(R, R[:, 2] * -0.5), mass_kg=1.0)  # its upper face holds the origin
    frame = PolicyCamera(world, camera, far_m=20.0).render(DOWN)
    normal = np.array([np.sin(angle), 0.0, -np.cos(angle)])  # in the camera, through (0, 0, 1)
    v, u = np.mgrid[:45, :61]
    expected = normal[2] / (np.stack([(u - cx) / 70.0, (v - cy) / 55.0, np.ones(u.shape)], axis=-1) @ normal)
    near = (expected > 0.5) & (expected < 1.5)
    assert near.sum() > 500
    np.testing.assert_allclose(frame.depth_m[near], expected[near], rtol=1e-6)


def test_boxes_give_the_image_of_the_exact_camera(world):
    rng = np.random.default_rng(3)
    world.add_box((0.5, 0.4, 0.05), transform(translation=(0, 0, -0.05)))
    for _ in range(12):
        body = world.add_box(rng.uniform(0.01, 0.08, 3), np.eye(4), mass_kg=1.0)
        quat = rng.normal(size=4)
        place = (*rng.uniform(-0.3, 0.3, 2), rng.uniform(0.0, 0.3))
        world.bullet.resetBasePositionAndOrientation(body.uid, place, (quat / np.linalg.norm(quat)).tolist())
    for eye in ((0.5, -0.4, 0.6), (-0.3, 0.6, 0.4), (0.05, 0.1, 1.2)):
        pose = look_at(eye, (0, 0, 0.1))
        exact = RaycastCamera(world, SQUARE, near_m=0.05, far_m=3.0).render(pose, normals=False)
        frame = PolicyCamera(world, SQUARE).render(pose)
        same = frame.segmentation == exact.segmentation
        assert same.mean() > 0.9995  # a ray along an edge may fall to either side
        np.testing.assert_allclose(frame.depth_m[same], exact.depth_m[same], atol=5e-6)


@pytest.mark.parametrize("eye, target", [((0.6, 0.5, 0.6), (0, 0, 0)), ((0.75, 0, 0.8), (-0.1, 0, 0))])
def test_a_panda_at_a_table_looks_as_the_exact_camera_sees_it(panda_scene, eye, target):
    world, arm, table, cubes = panda_scene
    pose = look_at(eye, target)
    exact = RaycastCamera(world, SQUARE, near_m=0.05, far_m=3.0).render(pose, normals=False)
    frame = PolicyCamera(world, SQUARE).render(pose)
    for body, overlap, typical_m, most_m in (
        (table, 0.995, 1e-6, 1e-5),
        *((cube, 0.97, 1e-6, 1e-5) for cube in cubes),
        (arm.body, 0.93, 2e-3, 12e-3),
    ):
        ours, theirs = frame.segmentation == body.uid, exact.segmentation == body.uid
        both = ours & theirs
        assert both.sum() > overlap * (ours | theirs).sum()
        error = np.abs(frame.depth_m - exact.depth_m)[both]
        assert np.median(error) < typical_m and np.percentile(error, 90) < most_m


def test_the_arm_is_followed_as_it_moves(panda_scene):
    world, arm, _, _ = panda_scene
    camera = PolicyCamera(world, SQUARE)
    exact_camera = RaycastCamera(world, SQUARE, near_m=0.05, far_m=3.0)
    seen = []
    for turn in (-0.8, 0.0, 0.8):
        arm.set_q((turn, *BENT_Q[1:]))
        ours = camera.render(BESIDE).segmentation == arm.body.uid
        theirs = exact_camera.render(BESIDE, normals=False).segmentation == arm.body.uid
        assert (ours & theirs).sum() > 0.92 * (ours | theirs).sum()
        seen.append(ours)
    assert (seen[0] & seen[2]).sum() < 0.7 * (seen[0] | seen[2]).sum()
    arm.set_q(BENT_Q)


@pytest.mark.parametrize("kind", ["sphere", "cylinder", "capsule"])
def test_round_shapes_stand_within_millimetres(world, kind):
    kinds = {
        "sphere": (world.bullet.GEOM_SPHERE, {"radius": 0.05}),
        "cylinder": (world.bullet.GEOM_CYLINDER, {"radius": 0.04, "length": 0.12}),
        "capsule": (world.bullet.GEOM_CAPSULE, {"radius": 0.03, "length": 0.1}),
    }
    shape, size = kinds[kind]
    uid = add_visual(world, shape, (0.05, 0.02, 0.2), **size)
    pose = look_at((0.3, -0.2, 0.6), (0.05, 0.02, 0.2))
    exact = RaycastCamera(world, SQUARE).render(pose, normals=False)
    frame = PolicyCamera(world, SQUARE).render(pose)
    ours, theirs = frame.segmentation == uid, exact.segmentation == uid
    assert (ours & theirs).sum() > 0.93 * (ours | theirs).sum()
    error = (frame.depth_m - exact.depth_m)[ours & theirs]
    assert np.median(np.abs(error)) < 2e-3 and abs(error.mean()) < 2e-3


def test_a_plane_is_a_plane(world, tmp_path):
    urdf = tmp_path / "plane.urdf"
    urdf.write_text(
        '<robot name="plane"><link name="base"><visual><geometry><plane normal="0 0 1"/></geometry></visual>'
        '<collision><geometry><plane normal="0 0 1"/></geometry></collision></link></robot>'
    )
    world.load_urdf(urdf, fixed=True)
    assert len(visual_parts(world)) == 1
    np.testing.assert_allclose(PolicyCamera(world, CAMERA).render(DOWN).depth_m, 1.0, atol=1e-5)


def test_a_link_with_inertial_and_visual_offsets_stands_at_its_place(world, tmp_path):
    urdf = tmp_path / "slider.urdf"
    inertia = '<mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/>'
    urdf.write_text(
        f"""<robot name="slider"><link name="base"><inertial><origin xyz="0 0.3 0.1"/>{inertia}</inertial>
        <visual><origin xyz="-0.3 0 0.05"/><geometry><box size="0.1 0.1 0.1"/></geometry></visual></link>
        <joint name="j" type="prismatic"><parent link="base"/><child link="plate"/><axis xyz="1 0 0"/>
        <origin xyz="0 0 0.2"/><limit lower="0" upper="1" effort="1" velocity="1"/></joint>
        <link name="plate"><inertial><origin xyz="0.05 0 0"/>{inertia}</inertial>
        <visual><origin xyz="0 0 0.1"/><geometry><box size="0.1 0.1 0.02"/></geometry></visual></link></robot>"""
    )
    slider = world.load_urdf(urdf, np.eye(4))
    camera = PolicyCamera(world, CAMERA)
    for position in (0.0, 0.2):
        world.bullet.resetJointState(slider.uid, 0, position)
        depth = camera.render(DOWN).depth_m
        plate = 1.0 - 0.2 - 0.1 - 0.01
        assert depth[24, round(32 + 60 * position / plate)] == pytest.approx(plate, abs=1e-6)
        assert depth[24, round(32 - 60 * 0.3 / 0.9)] == pytest.approx(0.9, abs=1e-6)


def test_near_and_far_limits_cut(world):
    world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)))
    world.add_box((0.1, 0.1, 0.05), transform(translation=(0, 0, 0.85)), mass_kg=1.0)  # from 0.1 to 0.2 m
    seen = PolicyCamera(world, CAMERA, near_m=0.05).render(DOWN)
    assert seen.depth_m[24, 32] == pytest.approx(0.1, abs=1e-6)
    inner = PolicyCamera(world, CAMERA, near_m=0.15).render(DOWN)
    assert inner.depth_m[24, 32] == pytest.approx(0.2, abs=1e-6)  # the ray starts within and meets the far wall
    through = PolicyCamera(world, CAMERA, near_m=0.3).render(DOWN)
    np.testing.assert_allclose(through.depth_m, 1.0, atol=1e-6)
    nothing = PolicyCamera(world, CAMERA, near_m=0.3, far_m=0.9).render(DOWN)
    assert not nothing.depth_m.any() and (nothing.segmentation == -1).all()


def test_a_slanted_box_is_cut_at_the_near_limit(world):
    pose = look_at((0.0, 0.0, 1.0), (0.3, 0.2, 0.0))
    world.add_box((0.02, 0.4, 0.4), pose @ transform(_turned(0.6), (0.0, 0.0, 0.3)), mass_kg=1.0)
    world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)))
    exact = RaycastCamera(world, SQUARE, near_m=0.3, far_m=3.0).render(pose, normals=False)
    frame = PolicyCamera(world, SQUARE, near_m=0.3).render(pose)
    same = frame.segmentation == exact.segmentation
    assert same.mean() > 0.998 and len(np.unique(exact.segmentation)) >= 2
    assert (np.abs(frame.depth_m - exact.depth_m)[same] < 1e-5).mean() > 0.998


def _turned(angle):
    return np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])


def test_inside_a_box_the_camera_sees_its_walls_and_not_what_is_behind(world):
    box = world.add_box((0.5, 0.2, 0.15), np.eye(4))
    world.add_box((0.1, 0.1, 0.1), transform(translation=(-0.3, 0, 0)), mass_kg=1.0)
    camera = PolicyCamera(world, CAMERA, light_direction=(1.0, 0.0, 0.0), ambient=0.5)
    frame = camera.render(look_at((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), color=True)
    assert (frame.segmentation == box.uid).all()
    rays = CAMERA.rays()
    # Image x is world -y, image y is world -z: the nearest of three walls.
    walls = [np.full((48, 64), 0.5), 0.2 / np.abs(rays[..., 0] + 1e-12), 0.15 / np.abs(rays[..., 1] + 1e-12)]
    np.testing.assert_allclose(frame.depth_m, np.minimum.reduce(walls), rtol=1e-5)
    assert frame.rgb[24, 32].tolist() == [204] * 3 and frame.rgb[0, 32].tolist() == [102] * 3  # shaded as from outside


@pytest.mark.parametrize("size", [(5, 3), (8, 8), (9, 17), (64, 64)])
def test_images_of_any_size_are_cut_into_tiles_without_gaps(world, size):
    width, height = size
    world.add_box((0.3, 0.2, 0.05), transform(translation=(0.0, 0.0, -0.05)))
    box = world.add_box((0.03, 0.02, 0.01), transform(translation=(0.02, 0.03, 0.01)), mass_kg=1.0)
    f = 1.2 * width
    camera = PinholeCamera(width=width, height=height, fx=f, fy=f, cx=(width - 1) / 2, cy=(height - 1) / 2)
    frame = PolicyCamera(world, camera).render(DOWN)
    v, u = np.mgrid[:height, :width]
    x, y = (u - camera.cx) / f * 0.98, -(v - camera.cy) / f * 0.98  # at the top of the small box
    on_box = (np.abs(x - 0.02) < 0.03) & (np.abs(y - 0.03) < 0.02)
    np.testing.assert_array_equal(frame.segmentation == box.uid, on_box)
    assert ((frame.depth_m > 0.0) == ((np.abs(x) < 0.294) & (np.abs(y) < 0.196))).all()


def test_bodies_that_come_go_and_move_are_seen_as_they_are_now(world):
    camera = PolicyCamera(world, CAMERA)
    table = world.add_box((0.3, 0.3, 0.05), transform(translation=(0, 0, -0.05)))
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(1.0)
    box = world.add_box((0.1, 0.1, 0.1), transform(translation=(0, 0, 0.1)), mass_kg=1.0)
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(0.8)
    box.set_pose(transform(translation=(0, 0, 0.3)))
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(0.6)
    world.remove(box)
    taller = world.add_box((0.1, 0.1, 0.25), transform(translation=(0, 0, 0.25)), mass_kg=1.0)  # as many as before
    frame = camera.render(DOWN)
    assert frame.depth_m[24, 32] == pytest.approx(0.5) and frame.segmentation[24, 32] == taller.uid
    world.remove(taller)
    table.set_pose(transform(translation=(0, 0, -0.25)))  # what stands still may be moved too
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(1.2)
    table.set_pose(transform(translation=(0, 0, -0.15)))
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(1.1)
    up = look_at((0.0, 0.0, 2.0), (0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))
    assert camera.render(up).depth_m[24, 32] == pytest.approx(2.1)
    bare = add_visual(world, world.bullet.GEOM_BOX, (0, 0, 0.1), halfExtents=(0.1, 0.1, 0.1))
    assert camera.render(DOWN).segmentation[24, 32] == bare
    world.bullet.removeBody(bare)
    world.remove(table)
    assert not camera.render(DOWN).depth_m.any()


def test_colour_after_depth_and_depth_after_colour_are_those_of_a_new_camera(panda_scene):
    world, _, _, _ = panda_scene
    used = PolicyCamera(world, SQUARE)
    depth = used.render(BESIDE)
    color = used.render(BESIDE, color=True)
    again = used.render(BESIDE)
    same_image(color, PolicyCamera(world, SQUARE).render(BESIDE, color=True))
    same_image(depth, again)
    np.testing.assert_array_equal(depth.depth_m, color.depth_m)
    np.testing.assert_array_equal(depth.segmentation, color.segmentation)


def test_images_repeat_bit_for_bit_and_are_the_callers_own(panda_scene):
    world, _, _, _ = panda_scene
    pose = BESIDE.copy()
    camera = PolicyCamera(world, SQUARE)
    first = camera.render(pose, color=True)
    kept = first.depth_m.copy(), first.segmentation.copy(), first.rgb.copy()
    camera.render(DOWN, color=True)
    np.testing.assert_array_equal(pose, BESIDE)
    for image, copy in zip((first.depth_m, first.segmentation, first.rgb), kept, strict=True):
        np.testing.assert_array_equal(image, copy)
    for other in (camera, PolicyCamera(world, SQUARE)):
        same_image(first, other.render(pose, color=True))
    pose[0, 3] = 9.0
    np.testing.assert_array_equal(first.T_world_camera, BESIDE)


def test_faces_are_shaded_by_their_angle_to_the_light(world):
    world.add_box((0.2, 0.2, 0.1), transform(translation=(0, 0, -0.1)), color=(1.0, 0.5, 0.0, 1.0))
    pose = look_at((1.0, 0.0, 0.6), (0.2, 0.0, -0.05))
    above = (0.0, 0.0, 2.0)
    frame = PolicyCamera(world, CAMERA, light_direction=above, ambient=0.2).render(pose, color=True)
    points = CAMERA.unproject(frame.depth_m) @ pose[:3, :3].T + pose[:3, 3]
    top = (frame.depth_m > 0.0) & (np.abs(points[..., 2]) < 1e-4)
    front = (frame.depth_m > 0.0) & (points[..., 2] < -1e-3)
    assert top.sum() > 20 and front.sum() > 20
    assert (np.abs(frame.rgb[top].astype(int) - (255, 128, 0)) <= 1).all()  # the light falls straight on it
    assert (np.abs(frame.rgb[front].astype(int) - (51, 26, 0)) <= 1).all()  # only the ambient fifth


def test_colours_changed_in_place_are_seen_after_a_refresh(world):
    box = world.add_box((0.2, 0.2, 0.1), np.eye(4), color=(1.0, 0.0, 0.0, 1.0))
    camera = PolicyCamera(world, CAMERA, ambient=1.0)
    assert camera.render(DOWN, color=True).rgb[24, 32].tolist() == [255, 0, 0]
    world.bullet.changeVisualShape(box.uid, -1, rgbaColor=(0.0, 1.0, 0.0, 1.0))
    camera.refresh()
    assert camera.render(DOWN, color=True).rgb[24, 32].tolist() == [0, 255, 0]


def test_pieces_of_an_l_shape_leave_its_corner_free(world, tmp_path):
    """The hull of an L would fill the corner; two pieces do not."""
    mesh = tmp_path / "l.obj"
    lines, boxes = [], (((0, 0, 0), (0.2, 0.04, 0.04)), ((0, 0.04, 0), (0.04, 0.2, 0.04)))
    for low, high in boxes:
        lines += [f"v {x} {y} {z}" for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    faces = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
    for first in (0, 8):
        lines += ["f " + " ".join(str(first + corner) for corner in face) for face in faces]
    mesh.write_text("\n".join(lines) + "\n")
    uid = add_visual(world, world.bullet.GEOM_MESH, (0.0, 0.0, 0.0), fileName=str(mesh))
    exact = RaycastCamera(world, SQUARE).render(DOWN, normals=False).segmentation == uid
    (part,) = visual_parts(world)
    whole, cut = (convex_pieces(part.surface, most, 32) for most in (1, 3))
    assert len(whole) == 1 and len(cut) > 1
    ours = PolicyCamera(world, SQUARE).render(DOWN).segmentation == uid
    assert (ours & exact).sum() > 0.75 * (ours | exact).sum()
    hull_area = (SQUARE.fx / 0.96) ** 2 * (0.2 * 0.2 - 0.16 * 0.16 / 2)
    assert ours.sum() < 0.75 * hull_area


def test_pieces_hold_their_budget_and_their_planes_point_outwards(panda_scene):
    world, _, _, _ = panda_scene
    for part in visual_parts(world):
        for piece in convex_pieces(part.surface, 3, 32):
            assert 4 <= len(piece.planes) <= 32 and piece.rgb.shape == (len(piece.planes), 3)
            np.testing.assert_allclose(np.linalg.norm(piece.planes[:, :3], axis=-1), 1.0, atol=1e-6)
            assert (piece.planes[:, :3] @ piece.corners.mean(axis=0) + piece.planes[:, 3] < 0.0).sum() > 3
            assert piece.rgb.min() >= 0.0 and piece.rgb.max() <= 1.0 + 1e-9


def test_frames_are_bullets_own_poses(world):
    rng = np.random.default_rng(1)
    for _ in range(5):
        box = world.add_box((0.1, 0.1, 0.1), np.eye(4))
        quat = rng.normal(size=4)
        world.bullet.resetBasePositionAndOrientation(box.uid, rng.normal(size=3).tolist(), quat.tolist())
    frames = ConvexWorld(world, 8).frames()
    for body, T in zip(world.bodies.values(), frames, strict=True):
        position, quat = world.bullet.getBasePositionAndOrientation(body.uid)
        np.testing.assert_allclose(T[:3, 3], position)
        rotation = np.reshape(world.bullet.getMatrixFromQuaternion(quat), (3, 3))
        np.testing.assert_allclose(T[:3, :3], rotation, atol=1e-12)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (1.0, 1.0), (0.1, np.inf)])
def test_wrong_limits_are_refused(world, limits):
    with pytest.raises(InputError):
        PolicyCamera(world, CAMERA, near_m=limits[0], far_m=limits[1])


@pytest.mark.parametrize("wrong", [{"face_budget": 5}, {"ambient": 1.5}, {"light_direction": (0, 0, 0)}])
def test_wrong_settings_are_refused(world, wrong):
    with pytest.raises(InputError):
        PolicyCamera(world, CAMERA, **wrong)
