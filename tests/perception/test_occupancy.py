import numpy as np

from geometry import transform
from perception.grasping.occupancy import map_occupancy
from perception.grasping.table_scene import read_scene

BOX = ((0.0, 0.0, 0.04), (0.03, 0.03, 0.04), 0.0)


def occupancy_of(make_view, **changes):
    return map_occupancy(read_scene(make_view([BOX], **changes)))


def test_surface_is_solid_and_air_is_free(make_view):
    occupancy = occupancy_of(make_view)
    on_surface = [(0.0, -0.03, 0.04), (0.01, 0.0, 0.08), (-0.01, 0.01, 0.08)]
    in_air = [(0.0, -0.045, 0.04), (0.0, 0.0, 0.095), (0.045, -0.02, 0.03), (-0.05, -0.05, 0.01)]
    assert np.all(occupancy.at(np.array(on_surface)) > 0.6)
    assert np.all(occupancy.at(np.array(in_air)) < 0.02)


def test_hidden_places_are_neither_free_nor_all_solid(make_view):
    occupancy = occupancy_of(make_view)
    inside, shadow = occupancy.at(np.array([[0.0, 0.0, 0.04], [0.0, 0.06, 0.01]]))
    assert inside > 0.8  # beneath the seen top
    assert 0.05 < shadow < 0.5  # behind the box, near the table


def test_what_was_not_seen_does_not_count_as_seen(make_view):
    occupancy = occupancy_of(make_view)
    seen = occupancy.around(np.eye(4)[None], np.array([[0.0, -0.03, 0.04], [0.0, 0.06, 0.01]]), occupancy.seen)[0]
    assert seen[0] > 0.6 and seen[1] < 0.02


def test_places_outside_the_grid_are_free(make_view):
    assert occupancy_of(make_view).at(np.array([[5.0, 0.0, 0.1], [0.0, 0.0, 3.0]])).tolist() == [0.0, 0.0]


def test_frames_of_many_poses_agree_with_world_points(make_view):
    occupancy = occupancy_of(make_view)
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(7, 3, 3)))[0]
    poses, points = transform(rotation, rng.uniform(-0.05, 0.05, (7, 3))), rng.uniform(-0.05, 0.05, (300, 3))
    world = np.einsum("gij,pj->gpi", rotation, points) + poses[:, None, :3, 3]
    agreement = np.isclose(occupancy.around(poses, points), occupancy.at(world), atol=1e-6)
    assert agreement.mean() > 0.999  # single precision may round a place into the next voxel


def test_holes_in_the_depth_image_do_not_become_solid(make_view):
    view = make_view([BOX])
    view.depth_m = view.depth_m.copy()
    view.depth_m[:, :100] = 0.0
    assert map_occupancy(read_scene(view)).at(np.array([[-0.08, 0.0, 0.02]]))[0] < 0.02
