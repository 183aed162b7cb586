"""The ray casting camera against scenes whose images can be computed by hand."""

import logging

import numpy as np
import pytest

from envs.cameras import Lighting, RaycastCamera, scene_triangles
from envs.world import World
from geometry import InputError, PinholeCamera, look_at, transform, transform_points

CAMERA = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=32.0, cy=24.0)
DOWN = look_at((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))
"""Camera 1 m above the origin; image x is world x, image y is world -y."""


@pytest.fixture
def world():
    with World() as world:
        yield world


def add_visual(world, kind, T_world=None, **size):
    shape = world.bullet.createVisualShape(kind, **size)
    uid = world.bullet.createMultiBody(0.0, -1, shape)
    if T_world is not None:
        from geometry import to_pos_quat

        world.bullet.resetBasePositionAndOrientation(uid, *to_pos_quat(T_world))
    return uid


def test_an_empty_world_has_no_return(world):
    frame = RaycastCamera(world, CAMERA).render(DOWN, color=True)
    assert frame.depth_m.shape == (48, 64) and frame.depth_m.dtype == np.float32
    assert not frame.depth_m.any() and not frame.normals_camera.any()
    assert (frame.segmentation == -1).all() and frame.segmentation.dtype == np.int32
    assert frame.rgb.shape == (48, 64, 3) and frame.rgb.dtype == np.uint8


def test_box_top_and_floor_have_their_depths_labels_and_normals(world):
    floor = world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)))
    box = world.add_box((0.1, 0.2, 0.15), transform(translation=(0.0, 0.0, 0.15)))
    frame = RaycastCamera(world, CAMERA).render(DOWN)
    # The top stands 0.7 m away: half extents 0.1 and 0.2 m are 60 / 0.7 x 0.1 = 8.57 and 17.14 pixels.
    v, u = np.mgrid[:48, :64]
    top = (np.abs(u - 32) <= 8) & (np.abs(v - 24) <= 17)
    around = (np.abs(u - 32) >= 9) | (np.abs(v - 24) >= 18)
    assert (frame.segmentation[top] == box.uid).all() and (frame.segmentation[around] == floor.uid).all()
    np.testing.assert_allclose(frame.depth_m[top], 0.7, atol=1e-6)
    np.testing.assert_allclose(frame.depth_m[around], 1.0, atol=1e-6)
    np.testing.assert_allclose(frame.normals_camera, np.broadcast_to([0.0, 0.0, -1.0], (48, 64, 3)), atol=1e-6)


@pytest.mark.parametrize("cx, cy", [(32.0, 24.0), (10.25, 40.5), (-20.0, 30.0)])
def test_a_tilted_plane_has_the_depth_of_its_equation(world, cx, cy):
    camera = PinholeCamera(width=64, height=48, fx=70.0, fy=55.0, cx=cx, cy=cy)
    angle = 0.5
    R = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    world.add_box((3.0, 3.0, 0.5), transform(R, np.array(R)[:, 2] * -0.5))  # its upper face holds the origin
    frame = RaycastCamera(world, camera, far_m=20.0).render(DOWN)
    # In the camera, which looks down: normal (sin a, 0, -cos a) through (0, 0, 1).
    normal = np.array([np.sin(angle), 0.0, -np.cos(angle)])
    v, u = np.mgrid[:48, :64]
    rays = np.stack([(u - cx) / 70.0, (v - cy) / 55.0, np.ones(u.shape)], axis=-1)
    expected = normal[2] / (rays @ normal)
    near = (expected > 0.5) & (expected < 1.5)
    assert near.sum() > 500
    np.testing.assert_allclose(frame.depth_m[near], expected[near], rtol=1e-6)
    np.testing.assert_allclose(frame.normals_camera[near], np.broadcast_to(normal, (near.sum(), 3)), atol=1e-6)


def test_a_sphere_has_the_depth_and_normals_of_a_sphere(world):
    uid = add_visual(world, world.bullet.GEOM_SPHERE, transform(translation=(0.1, 0.0, 0.3)), radius=0.1)
    frame = RaycastCamera(world, CAMERA).render(DOWN)
    rays = CAMERA.rays()
    center = np.array([0.1, 0.0, 0.7])
    a, b, c = (rays**2).sum(-1), rays @ center, center @ center - 0.01
    root = b**2 - a * c
    well_inside = root > 0.004
    expected = (b - np.sqrt(np.maximum(root, 0.0))) / a
    normals = (rays * expected[..., None] - center) / 0.1
    assert well_inside.sum() > 100
    assert (frame.segmentation[well_inside] == uid).all() and (frame.segmentation[root < 0] == -1).all()
    assert np.abs(frame.depth_m - expected)[well_inside].max() < 3e-4
    assert np.einsum("nc,nc->n", frame.normals_camera[well_inside], normals[well_inside]).min() > 0.998


@pytest.mark.parametrize("kind", ["sphere", "cylinder", "capsule", "box"])
def test_primitives_stand_where_bullets_own_ray_test_meets_them(world, kind):
    kinds = {
        "sphere": (world.bullet.GEOM_SPHERE, {"radius": 0.1}),
        "cylinder": (world.bullet.GEOM_CYLINDER, {"radius": 0.08, "height": 0.25}),
        "capsule": (world.bullet.GEOM_CAPSULE, {"radius": 0.06, "height": 0.2}),
        "box": (world.bullet.GEOM_BOX, {"halfExtents": (0.1, 0.05, 0.15)}),
    }
    shape, size = kinds[kind]
    collision = world.bullet.createCollisionShape(shape, **size)
    world.bullet.createMultiBody(1.0, collision, -1, (0.02, -0.03, 0.3), (0.2, 0.3, 0.1, 0.9273618))
    camera = CAMERA.scaled(3.0)
    frame = RaycastCamera(world, camera).render(DOWN)
    ends = transform_points(DOWN, camera.rays().reshape(-1, 3) * 2.0)
    starts = np.broadcast_to(DOWN[:3, 3], ends.shape)
    hits = []
    for first in range(0, len(ends), 8192):  # Bullet takes at most 16384 rays at once
        hits += world.bullet.rayTestBatch(starts[first : first + 8192].tolist(), ends[first : first + 8192].tolist())
    expected = np.array([2.0 * hit[2] if hit[0] >= 0 else 0.0 for hit in hits]).reshape(frame.depth_m.shape)
    both = (expected > 0.0) & (frame.depth_m > 0.0)
    assert both.sum() > 1000 and ((expected > 0.0) != (frame.depth_m > 0.0)).sum() < 0.03 * both.sum()
    assert np.median(np.abs(expected - frame.depth_m)[both]) < 1e-3


def test_a_links_visual_follows_its_joint(world, tmp_path):
    urdf = tmp_path / "slider.urdf"
    urdf.write_text(
        """<robot name="slider"><link name="base"/>
        <joint name="j" type="prismatic"><parent link="base"/><child link="plate"/><axis xyz="1 0 0"/>
        <origin xyz="0 0 0.2"/><limit lower="0" upper="1" effort="1" velocity="1"/></joint>
        <link name="plate"><inertial><origin xyz="0.05 0 0"/><mass value="1"/>
        <inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
        <visual><origin xyz="0 0 0.1"/><geometry><box size="0.1 0.1 0.02"/></geometry></visual></link></robot>"""
    )
    slider = world.load_urdf(urdf, fixed=True, scale=0.5)
    world.bullet.resetJointState(slider.uid, 0, 0.2)
    frame = RaycastCamera(world, CAMERA).render(DOWN)
    v, u = np.nonzero(frame.depth_m)
    depth = 1.0 - 0.5 * (0.2 + 0.1 + 0.01)
    np.testing.assert_allclose(frame.depth_m[v, u].min(), depth, atol=1e-6)
    assert abs(u.mean() - (32.0 + 60.0 * 0.2 / depth)) < 1.0 and abs(v.mean() - 24.0) < 1.0


def test_a_body_whose_visual_mesh_is_gone_shows_its_collision_shape(world, tmp_path, caplog):
    mesh = tmp_path / "gone.obj"
    mesh.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    bullet = world.bullet
    visual = bullet.createVisualShape(bullet.GEOM_MESH, fileName=str(mesh))
    collision = bullet.createCollisionShape(
        bullet.GEOM_BOX, halfExtents=(0.1, 0.1, 0.1), collisionFramePosition=(0.0, 0.0, 0.1)
    )
    uid = bullet.createMultiBody(1.0, collision, visual, baseInertialFramePosition=(0.02, 0.03, 0.04))
    mesh.unlink()
    bullet.resetBasePositionAndOrientation(uid, (0.02, 0.03, 0.04), (0, 0, 0, 1))
    frame = RaycastCamera(world, CAMERA).render(DOWN)
    assert frame.depth_m[24, 32] == pytest.approx(0.8, abs=1e-6)
    mesh.write_text("this is no mesh\n")
    with caplog.at_level(logging.WARNING):
        again = RaycastCamera(world, CAMERA).render(DOWN)
    np.testing.assert_array_equal(frame.depth_m, again.depth_m)
    assert "gone.obj" in caplog.text


def test_near_and_far_limits_cut(world):
    world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)))
    world.add_box((0.1, 0.1, 0.05), transform(translation=(0, 0, 0.85)))  # top at 0.1 m, bottom at 0.2 m
    through = RaycastCamera(world, CAMERA, near_m=0.3).render(DOWN)
    np.testing.assert_allclose(through.depth_m, 1.0, atol=1e-6)
    nothing = RaycastCamera(world, CAMERA, near_m=0.3, far_m=0.9).render(DOWN)
    assert not nothing.depth_m.any() and (nothing.segmentation == -1).all() and not nothing.normals_camera.any()


def test_inside_a_box_the_camera_sees_its_walls(world):
    box = world.add_box((0.5, 0.4, 0.3), np.eye(4))
    T = look_at((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    frame = RaycastCamera(world, CAMERA).render(T)
    assert (frame.segmentation == box.uid).all()
    assert frame.depth_m[24, 32] == pytest.approx(0.5, abs=1e-6)
    rays = CAMERA.rays()
    # Image x is world -y, image y is world -z: the nearest of three walls.
    walls = [np.full((48, 64), 0.5), 0.4 / np.abs(rays[..., 0] + 1e-12), 0.3 / np.abs(rays[..., 1] + 1e-12)]
    np.testing.assert_allclose(frame.depth_m, np.minimum.reduce(walls), rtol=1e-5)
    assert (np.einsum("hwc,hwc->hw", frame.normals_camera, rays) < 0.0).all()


def test_normals_face_the_camera_and_have_length_one(world):
    world.add_box((0.5, 0.5, 0.05), transform(translation=(0, 0, -0.05)))
    world.add_box((0.1, 0.1, 0.1), transform(translation=(0.1, 0.05, 0.1)))
    add_visual(world, world.bullet.GEOM_CYLINDER, transform(translation=(-0.2, 0, 0.1)), radius=0.05, length=0.2)
    frame = RaycastCamera(world, CAMERA).render(look_at((0.4, -0.5, 0.5), (0, 0, 0)))
    seen = frame.depth_m > 0.0
    assert (np.einsum("hwc,hwc->hw", frame.normals_camera, CAMERA.rays())[seen] < 0.0).all()
    np.testing.assert_allclose(np.linalg.norm(frame.normals_camera[seen], axis=-1), 1.0, atol=1e-5)
    assert not frame.normals_camera[~seen].any()


@pytest.mark.parametrize("scale", [(0.1, 0.1, 0.1), (0.1, -0.1, 0.1)], ids=["as it is", "mirrored"])
@pytest.mark.parametrize("face", ["1 2 3", "1 3 2"])
def test_triangles_of_either_winding_turn_their_normals_to_the_camera(world, tmp_path, face, scale):
    mesh = tmp_path / f"triangle{face.replace(' ', '')}.obj"
    mesh.write_text(f"v -3 -3 0\nv 3 -3 0\nv 0 4 0\nf {face}\n")
    add_visual(world, world.bullet.GEOM_MESH, fileName=str(mesh), meshScale=scale)
    frame = RaycastCamera(world, CAMERA).render(DOWN)
    assert frame.depth_m[24, 32] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(frame.normals_camera[24, 32], (0.0, 0.0, -1.0), atol=1e-6)


def test_the_closed_form_for_one_box_changes_nothing(world, tmp_path):
    """A table as a box primitive and the same table as a mesh file give the same image."""
    table = tmp_path / "table.obj"
    corners = [(x, y, z) for x in (-0.4, 0.4) for y in (-0.3, 0.3) for z in (-0.1, 0.0)]
    faces = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
    table.write_text(
        "".join(f"v {x} {y} {z}\n" for x, y, z in corners) + "".join(f"f {a} {b} {c} {d}\n" for a, b, c, d in faces)
    )
    T = look_at((0.5, -0.4, 0.6), (0, 0, 0))
    frames = []
    for as_mesh in (False, True):
        with World() as other:
            if as_mesh:
                uid = add_visual(other, other.bullet.GEOM_MESH, fileName=str(table))
            else:
                uid = other.add_box((0.4, 0.3, 0.05), transform(translation=(0, 0, -0.05))).uid
            add_visual(other, other.bullet.GEOM_SPHERE, transform(translation=(0, 0, 0.1)), radius=0.1)
            frames.append(RaycastCamera(other, CAMERA).render(T))
            assert uid == 0
    same = frames[0].segmentation == frames[1].segmentation
    assert same.mean() > 0.999
    np.testing.assert_allclose(frames[0].depth_m[same], frames[1].depth_m[same], atol=2e-6)
    np.testing.assert_allclose(frames[0].normals_camera[same], frames[1].normals_camera[same], atol=1e-5)


def test_images_repeat_bit_for_bit_and_threads_do_not_matter(world):
    rng = np.random.default_rng(0)
    world.add_box((0.5, 0.5, 0.05), transform(translation=(0, 0, -0.05)))
    for _ in range(6):
        T = transform(translation=rng.uniform(-0.2, 0.2, 3) + (0, 0, 0.25))
        add_visual(world, world.bullet.GEOM_SPHERE, T, radius=0.06)
    pose = look_at((0.5, -0.4, 0.6), (0, 0, 0.1))
    given = pose.copy()
    first = RaycastCamera(world, CAMERA).render(pose, color=True)
    np.testing.assert_array_equal(pose, given)
    for threads in (1, 0):
        camera = RaycastCamera(world, CAMERA, threads=threads)
        for _ in range(3):
            again = camera.render(pose, color=True)
            for name in ("depth_m", "segmentation", "normals_camera", "rgb"):
                np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    pose[0, 3] = 9.0
    np.testing.assert_array_equal(first.T_world_camera, given)


def test_moving_and_removed_bodies_are_seen_as_they_are_now(world):
    box = world.add_box((0.1, 0.1, 0.1), transform(translation=(0, 0, 0.1)), mass_kg=1.0)
    camera = RaycastCamera(world, CAMERA)
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(0.8)
    box.set_pose(transform(translation=(0, 0, 0.3)))
    assert camera.render(DOWN).depth_m[24, 32] == pytest.approx(0.6)
    world.remove(box)
    assert not camera.render(DOWN).depth_m.any()


def test_colour_shows_the_bodies_own_colour_and_a_shadow(world):
    world.add_box((1.0, 1.0, 0.05), transform(translation=(0, 0, -0.05)), color=(0.5, 0.5, 0.5, 1.0))
    red = world.add_box((0.05, 0.05, 0.1), transform(translation=(0, 0, 0.1)), color=(0.9, 0.1, 0.1, 1.0))
    light = Lighting(key_direction=(1.0, 0.0, 1.0), key_radius=0.0)
    frame = RaycastCamera(world, CAMERA, lighting=light).render(DOWN, color=True)
    on_red = frame.rgb[frame.segmentation == red.uid].astype(int)
    assert (on_red[:, 0] > on_red[:, 1] + 60).all()
    # The box is 0.2 m high and the light falls at 45 degrees from +x: the shadow covers x from -0.25 to -0.05 m.
    u = np.round(32 + 60 * np.array([-0.4, -0.1, 0.3])).astype(int)
    lit, shadow, other = frame.rgb[24, u].astype(int).sum(axis=-1)
    assert shadow < 0.8 * lit and abs(lit - other) < 0.1 * lit
    soft = RaycastCamera(world, CAMERA, lighting=Lighting(supersample=2)).render(DOWN, color=True)
    assert soft.rgb.shape == (48, 64, 3)
    np.testing.assert_array_equal(soft.depth_m, frame.depth_m)


def test_scene_triangles_hold_every_body(world):
    box = world.add_box((0.1, 0.2, 0.3), transform(translation=(1.0, 0.0, 0.0)))
    other = world.add_box((0.1, 0.1, 0.1), np.eye(4))
    scene = scene_triangles(world)
    assert scene.triangles.shape == (24, 3) and scene.triangles.max() == len(scene.vertices_world) - 1
    corners = scene.vertices_world[scene.triangles[scene.body_uids == box.uid]].reshape(-1, 3)
    np.testing.assert_allclose(corners.min(axis=0), (0.9, -0.2, -0.3))
    np.testing.assert_allclose(corners.max(axis=0), (1.1, 0.2, 0.3))
    assert (scene.body_uids == other.uid).sum() == 12 and (scene.link_indices == -1).all()
    with World() as empty:
        assert scene_triangles(empty).triangles.shape == (0, 3)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (1.0, 1.0), (0.1, np.inf), (np.nan, 1.0)])
def test_wrong_limits_are_refused(world, limits):
    with pytest.raises(InputError, match="0 < near_m < far_m"):
        RaycastCamera(world, CAMERA, near_m=limits[0], far_m=limits[1])


def test_wrong_lighting_is_refused():
    with pytest.raises(InputError, match="supersample"):
        Lighting(supersample=0)
    with pytest.raises(InputError, match="fade_m"):
        Lighting(fade_m=0.0)
