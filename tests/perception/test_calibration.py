"""Hand-eye calibration: known cameras are found again, noise costs what it should, and bad samples are named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, PinholeCamera, invert, look_at, to_pos_quat, transform
from perception.calibration import (
    SETUPS,
    Board,
    PoseSamples,
    TipSamples,
    calibrate_from_tips,
    calibrate_hand_eye,
    calibration_figure,
    find_board,
    launch_yaml,
    read_samples,
    static_transform_command,
)
from perception.calibration.chain_fit import board_errors, fit_chain
from perception.calibration.conditioning import check_motions

cv2 = pytest.importorskip("cv2")
if not hasattr(cv2, "calibrateHandEye"):
    pytest.skip("OpenCV without hand-eye solvers; pip install 'graspmimic[calibrate]'", allow_module_level=True)

X_IN_HAND = transform(Rotation.from_euler("xyz", [5, -8, 90], degrees=True), (0.05, -0.03, 0.06))
X_TO_HAND = look_at((1.1, 0.3, 0.6), (0.4, 0.0, 0.3))
Y_ON_TABLE = transform(Rotation.from_euler("xyz", [180, 3, 20], degrees=True), (0.5, 0.05, 0.01))
Y_ON_HAND = transform(Rotation.from_euler("xyz", [10, -170, 0], degrees=True), (0.02, 0.01, 0.09))


def truth(setup: str) -> FloatArray:
    return X_IN_HAND if setup == "eye-in-hand" else X_TO_HAND


def recorded(
    rng: np.random.Generator, n: int, setup: str, *, mm: float = 0.5, deg: float = 0.1, turn_deg: Any = (25, 25, 12)
) -> PoseSamples:
    """Standstills of a hand above a table; the board's pose carries normal noise of so much along each axis."""
    gripper, board = [], []
    for _ in range(n):
        turn = Rotation.from_rotvec(rng.normal(size=3) * turn_deg, degrees=True)
        T = transform(Rotation.from_euler("x", np.pi) * turn, [0.45, 0.0, 0.4] + rng.uniform(-0.12, 0.12, 3))
        seen = invert(T @ X_IN_HAND) @ Y_ON_TABLE if setup == "eye-in-hand" else invert(X_TO_HAND) @ T @ Y_ON_HAND
        noise = transform(Rotation.from_rotvec(deg * rng.normal(size=3), degrees=True), 1e-3 * mm * rng.normal(size=3))
        gripper.append(T)
        board.append(seen @ noise)
    return PoseSamples(
        setup=setup, names=tuple(f"{number + 1}" for number in range(n)), T_base_gripper=np.array(gripper),
        T_camera_board=np.array(board),
    )  # fmt: skip


def error(T: FloatArray, T_true: FloatArray) -> tuple[float, float]:
    """Millimetres and degrees between two poses."""
    turn = Rotation.from_matrix(T[:3, :3].T @ T_true[:3, :3]).magnitude()
    return 1e3 * float(np.linalg.norm(T[:3, 3] - T_true[:3, 3])), float(np.degrees(turn))


def test_three_poses_worked_out_by_hand() -> None:
    """The camera sits 0.1 m along the gripper's x with the gripper's axes; the board lies at (0.5, 0, 0), unturned.

    Turned a quarter about z at (0, 0, 0.4), the gripper's x is the base's y: the camera is at (0, 0.1, 0.4), and sees
    the board at R^T (0.5, -0.1, -0.4) = (-0.1, -0.5, -0.4). About x at the origin: camera at (0.1, 0, 0), board at
    (0.4, 0, 0) there.
    """
    quarter_z, quarter_x = Rotation.from_euler("z", 90, degrees=True), Rotation.from_euler("x", 90, degrees=True)
    samples = PoseSamples(
        setup="eye-in-hand", names=("a", "b", "c"),
        T_base_gripper=np.array([np.eye(4), transform(quarter_z, (0, 0, 0.4)), transform(quarter_x)]),
        T_camera_board=np.array([
            transform(translation=(0.4, 0, 0)), transform(quarter_z.inv(), (-0.1, -0.5, -0.4)),
            transform(quarter_x.inv(), (0.4, 0, 0)),
        ]),
    )  # fmt: skip
    found = calibrate_hand_eye(samples)
    np.testing.assert_allclose(found.T_parent_camera, transform(translation=(0.1, 0, 0)), atol=1e-7)
    assert found.T_other_board is not None
    np.testing.assert_allclose(found.T_other_board, transform(translation=(0.5, 0, 0)), atol=1e-7)
    assert found.rms_mm < 1e-3 and np.isnan(found.spread_mm).all() and "only 3 samples" in found.advice[0]


@pytest.mark.parametrize("setup", SETUPS)
def test_without_noise_every_solver_finds_the_camera(setup: str) -> None:
    found = calibrate_hand_eye(recorded(np.random.default_rng(0), 15, setup, mm=0.0, deg=0.0))
    assert error(found.T_parent_camera, truth(setup)) < (1e-4, 1e-4)
    assert [solver.name for solver in found.solvers] == [
        "tsai", "park", "horaud", "andreff", "daniilidis", "shah", "li",
    ]  # fmt: skip
    for name, T, mm, deg in found.solvers:
        assert T is not None and error(T, truth(setup)) < (0.01, 0.01), name
        assert mm < 0.01 and deg < 0.01
    assert found.outliers == [] and found.advice == ()
    assert found.parent == ("gripper" if setup == "eye-in-hand" else "base")


@pytest.mark.parametrize("setup", SETUPS)
def test_noise_costs_what_statistics_say(setup: str) -> None:
    """Errors over many recordings against the covariance of least squares by finite differences, worked out here."""
    squares, predicted, jackknife, solvers = [], [], [], []
    for seed in range(6):
        samples = recorded(np.random.default_rng(100 + seed), 16, setup)
        found = calibrate_hand_eye(samples)
        T = found.T_parent_camera
        squares.append(np.square(error(T, truth(setup))))
        predicted.append(expected_squares(samples, truth(setup)))
        jackknife.append([np.sum(found.spread_mm**2), np.sum(found.spread_deg**2)])
        solvers.append([np.square(error(each.T_parent_camera, truth(setup))) for each in found.solvers])  # type: ignore[arg-type]
        # 3 axes of 0.5 mm and 0.1 degrees, less the 12 of 96 numbers that the fit takes up
        assert 0.6 < found.rms_mm / (0.5 * np.sqrt(3 * 0.875)) < 1.4
        assert 0.6 < found.rms_deg / (0.1 * np.sqrt(3 * 0.875)) < 1.4
    ratio = np.mean(squares, axis=0) / np.mean(predicted, axis=0)
    assert np.all((ratio > 0.4) & (ratio < 2.0)), ratio
    ratio = np.mean(jackknife, axis=0) / np.mean(predicted, axis=0)
    assert np.all((ratio > 0.6) & (ratio < 2.2)), ratio
    assert np.all(np.mean(solvers, axis=0) >= 0.95 * np.mean(squares, axis=0))  # refined is as good as the best


def expected_squares(samples: PoseSamples, X: FloatArray) -> FloatArray:
    """Expected squared error of X in mm^2 and degrees^2, for the noise of `recorded`."""
    A, B = samples.chain, samples.T_camera_board
    Y = A[0] @ X @ B[0]
    scale = np.tile(np.repeat([0.5e-3, np.radians(0.1)], 3), len(A))

    def residuals(change: FloatArray) -> FloatArray:
        moved = [
            transform(Rotation.from_matrix(T[:3, :3]) * Rotation.from_rotvec(d[3:]), T[:3, 3] + d[:3])
            for T, d in ((X, change[:6]), (Y, change[6:]))
        ]
        return board_errors(A, B, *moved).ravel() / scale

    step = 1e-6
    jacobian = np.stack([(residuals(step * row) - residuals(-step * row)) / (2 * step) for row in np.eye(12)], axis=-1)
    variance = np.diag(np.linalg.inv(jacobian.T @ jacobian))
    return np.array([1e6 * variance[:3].sum(), np.degrees(np.degrees(variance[3:6].sum()))])


@pytest.mark.parametrize("setup", SETUPS)
def test_samples_that_do_not_belong_are_named(setup: str) -> None:
    samples = recorded(np.random.default_rng(3), 20, setup)
    B = samples.T_camera_board.copy()
    B[4] = B[4] @ transform(Rotation.from_euler("z", 4, degrees=True))
    B[11] = B[11] @ transform(translation=(0.01, 0.0, 0.0))
    spoilt = replace(samples, T_camera_board=B)
    found = calibrate_hand_eye(spoilt)
    assert found.outliers == ["5", "12"]
    assert found.residual_deg[4] == pytest.approx(4.0, abs=0.4)
    assert found.residual_mm[11] == pytest.approx(10.0, abs=1.5)
    clean = calibrate_hand_eye(samples)
    assert clean.outliers == []
    assert error(found.T_parent_camera, clean.T_parent_camera) < (1.0, 0.1)
    all_of_them = calibrate_hand_eye(spoilt, keep_outliers=True)
    assert all_of_them.outliers == [] and all_of_them.rms_mm > 2.0 * found.rms_mm


def test_the_wrong_setup_is_found_out() -> None:
    samples = recorded(np.random.default_rng(3), 20, "eye-in-hand")
    found = calibrate_hand_eye(replace(samples, setup="eye-to-hand"))
    assert found.rms_mm > 20.0 and "check the setup" in found.advice[0]


def test_motions_that_cannot_tell() -> None:
    rng = np.random.default_rng(0)
    about_z = recorded(rng, 12, "eye-in-hand", turn_deg=(0, 0, 30))
    with pytest.raises(InputError, match=r"nearly only about its z axis .* poses turned by 20 to 40 degrees about its"):
        calibrate_hand_eye(about_z)
    with pytest.raises(InputError, match="hardly turned"):
        check_motions(recorded(rng, 12, "eye-to-hand", turn_deg=(0, 0, 0)).T_base_gripper)
    weak = calibrate_hand_eye(recorded(rng, 12, "eye-in-hand", turn_deg=(30, 4, 0)))
    assert "nearly only about its x axis" in weak.advice[0] and "about its y axis" in weak.advice[0]
    strong = calibrate_hand_eye(recorded(rng, 12, "eye-in-hand", turn_deg=(30, 30, 0)))
    assert strong.advice == ()
    assert np.linalg.norm(weak.spread_mm) > 2.0 * np.linalg.norm(strong.spread_mm)  # it says so in its spread, too
    about_slant = recorded(rng, 12, "eye-in-hand", turn_deg=(0, 0, 30))
    slant = transform(Rotation.from_euler("x", 45, degrees=True))
    with pytest.raises(InputError, match=r"its axis \(0\.00, (0\.71, 0\.71|0\.71, 0\.70)\)"):
        check_motions(about_slant.T_base_gripper @ slant)
    with pytest.raises(InputError, match="3 or more, got 2"):
        recorded(rng, 2, "eye-in-hand")


def test_the_fit_is_at_a_least() -> None:
    """No small step in any of the twelve directions makes the sum of squares smaller."""
    samples = recorded(np.random.default_rng(9), 10, "eye-in-hand", mm=2.0, deg=0.5)
    A, B = samples.chain, samples.T_camera_board
    X, Y = fit_chain(A, B, X_IN_HAND, Y_ON_TABLE, sigma_m=2e-3, sigma_rad=np.radians(0.5))
    scale = np.repeat([2e-3, np.radians(0.5)], 3)

    def cost(X: FloatArray, Y: FloatArray) -> float:
        return float(np.sum((board_errors(A, B, X, Y) / scale) ** 2))

    least = cost(X, Y)
    for row in np.concatenate([1e-4 * np.eye(6), -1e-4 * np.eye(6)]):
        step = transform(Rotation.from_rotvec(row[3:]), row[:3])
        assert cost(X @ step, Y) > least and cost(X, Y @ step) > least


def tips(rng: np.random.Generator, n: int, noise_mm: float) -> TipSamples:
    known = np.array([0.5, 0.0, 0.3]) + rng.uniform(-0.2, 0.2, (n, 3))
    inverse = invert(X_TO_HAND)
    seen = known @ inverse[:3, :3].T + inverse[:3, 3] + 1e-3 * noise_mm * rng.normal(size=(n, 3))
    return TipSamples(names=tuple(map(str, range(n))), points_camera=seen, points_base=known)


def test_places_of_the_tip() -> None:
    found = calibrate_from_tips(tips(np.random.default_rng(0), 12, 0.0))
    assert error(found.T_parent_camera, X_TO_HAND) < (1e-9, 1e-5) and found.outliers == []
    noisy = [calibrate_from_tips(tips(np.random.default_rng(seed), 20, 2.0)) for seed in range(20)]
    squares = np.mean([np.square(error(each.T_parent_camera, X_TO_HAND)) for each in noisy], axis=0)
    spread = np.mean([[np.sum(each.spread_mm**2), np.sum(each.spread_deg**2)] for each in noisy], axis=0)
    assert np.all((squares / spread > 0.4) & (squares / spread < 2.0)), squares / spread
    assert np.mean([each.rms_mm for each in noisy]) == pytest.approx(2.0 * np.sqrt(3 * 54 / 60), rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_places_at_one_height_give_no_mirrored_camera(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = tips(rng, 12, 0.0)
    known = samples.points_base * [1.0, 1.0, 0.0] + [0.0, 0.0, 0.2]
    inverse = invert(X_TO_HAND)
    seen = known @ inverse[:3, :3].T + inverse[:3, 3] + 1e-4 * rng.normal(size=known.shape)
    found = calibrate_from_tips(replace(samples, points_camera=seen, points_base=known))
    assert np.linalg.det(found.T_parent_camera[:3, :3]) > 0.0
    assert error(found.T_parent_camera, X_TO_HAND) < (1.0, 0.1)


def test_tips_that_do_not_belong_or_do_not_tell() -> None:
    samples = tips(np.random.default_rng(1), 14, 1.0)
    seen = samples.points_camera.copy()
    seen[3] += 0.05
    seen[9, 2] += 0.03
    found = calibrate_from_tips(replace(samples, points_camera=seen))
    assert found.outliers == ["3", "9"]
    assert calibrate_from_tips(replace(samples, points_camera=seen), keep_outliers=True).outliers == []
    far = calibrate_from_tips(replace(samples, points_camera=1.04 * samples.points_camera))
    assert "1.040 times" in far.advice[0]
    line = np.linspace(0.0, 0.3, 14)[:, None] * [1.0, 0.0, 0.0]
    with pytest.raises(InputError, match="nearly on a line"):
        calibrate_from_tips(replace(samples, points_base=line))
    shuffled = np.random.default_rng(0).permutation(samples.points_camera)
    assert "belong together" in calibrate_from_tips(replace(samples, points_camera=shuffled)).advice[0]
    mixed = seen.copy()
    mixed[:7] = samples.points_camera[6::-1] + [0.0, 0.1, 0.0]
    with pytest.raises(InputError, match="do not belong"):
        calibrate_from_tips(replace(samples, points_camera=mixed))


CAMERA = PinholeCamera(width=640, height=480, fx=600.0, fy=605.0, cx=322.0, cy=238.0)
CHARUCO = Board(kind="charuco", columns=7, rows=5, square_m=0.04, marker_m=0.03)
CHESSBOARD = Board(kind="chessboard", columns=9, rows=6, square_m=0.03)
PIXELS_A_SQUARE, MARGIN = 60, 60


def photographed(board: Board, T_camera_board: FloatArray) -> np.ndarray:
    """The board as the camera sees it, by the homography of its plane; the origin is the corner of the first square."""
    if board.kind == "charuco":
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
        pattern = cv2.aruco.CharucoBoard((board.columns, board.rows), board.square_m, board.marker_m, dictionary)
        size = (board.columns * PIXELS_A_SQUARE + 2 * MARGIN, board.rows * PIXELS_A_SQUARE + 2 * MARGIN)
        flat = pattern.generateImage(size, marginSize=MARGIN)
    else:
        light = np.indices((board.rows, board.columns)).sum(axis=0) % 2  # the first square is dark
        squares = np.kron(255 * light, np.ones((PIXELS_A_SQUARE, PIXELS_A_SQUARE)))
        flat = np.pad(squares, MARGIN, constant_values=255).astype(np.uint8)
    metre = board.square_m / PIXELS_A_SQUARE
    start = (0.5 - MARGIN) * metre
    to_metres = np.array([[metre, 0.0, start], [0.0, metre, start], [0.0, 0.0, 1.0]])
    to_pixels = CAMERA.K @ T_camera_board[:3, [0, 1, 3]] @ to_metres
    size = (2 * CAMERA.width, 2 * CAMERA.height)  # drawn twice as fine, then halved: edges as a camera has them
    finer = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])
    drawn = cv2.warpPerspective(flat, finer @ to_pixels, size, borderValue=170)
    return np.asarray(cv2.resize(drawn, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("board", [CHARUCO, CHESSBOARD], ids=["charuco", "chessboard"])
@pytest.mark.parametrize("turned_deg", [(20, 0, 0), (-25, 10, 30), (15, -30, 175), (10, 20, -90)])
def test_a_board_in_an_image(board: Board, turned_deg: tuple[float, ...]) -> None:
    turn = Rotation.from_euler("xyz", turned_deg, degrees=True)
    middle = 0.5 * board.square_m * np.array([board.columns, board.rows, 0.0])
    T = transform(turn, np.array([0.01, -0.01, 0.55]) - turn.apply(middle))
    view = find_board(cv2, photographed(board, T), board, CAMERA)
    assert view.problem == "" and view.T_camera_board is not None
    assert view.corners == (board.columns - 1) * (board.rows - 1) and view.rms_px < 0.3
    assert error(view.T_camera_board, T) < (1.5, 0.4)


def test_an_image_without_a_board() -> None:
    blank = np.full((480, 640), 200, dtype=np.uint8)
    view = find_board(cv2, blank, CHARUCO, CAMERA)
    assert view.T_camera_board is None and "corners of the board found" in view.problem
    with pytest.raises(InputError, match="640 x 480"):
        find_board(cv2, blank[:, :600], CHARUCO, CAMERA)
    with pytest.raises(InputError, match="upside down"):
        replace(CHESSBOARD, columns=8)
    with pytest.raises(InputError, match="dictionary"):
        find_board(cv2, blank, replace(CHARUCO, dictionary="DICT_NONE"), CAMERA)


def test_from_images_to_the_camera(tmp_path: Path) -> None:
    """The whole way: images of a ChArUco board from a camera on the hand, on disk."""
    from PIL import Image

    rng = np.random.default_rng(4)
    samples = []
    middle = 0.5 * CHARUCO.square_m * np.array([CHARUCO.columns, CHARUCO.rows, 0.0])
    for number in range(9):
        turn = Rotation.from_rotvec(rng.normal(size=3) * [20, 20, 10], degrees=True)
        T_camera_board = transform(turn, np.array([0.0, 0.0, 0.5]) + rng.uniform(-0.03, 0.03, 3) - turn.apply(middle))
        Image.fromarray(photographed(CHARUCO, T_camera_board)).save(tmp_path / f"{number}.png")
        T_base_gripper = Y_ON_TABLE @ invert(X_IN_HAND @ T_camera_board)
        position, quat = to_pos_quat(T_base_gripper)
        samples.append({
            "T_base_gripper": {"translation": dict(zip("xyz", position.tolist(), strict=True)),
                               "rotation": dict(zip("xyzw", quat.tolist(), strict=True))},
            "image": f"{number}.png",
        })  # fmt: skip
    Image.fromarray(np.full((480, 640), 90, dtype=np.uint8)).save(tmp_path / "0.png")
    camera = {"width": 640, "height": 480, "fx": 600.0, "fy": 605.0, "cx": 322.0, "cy": 238.0}
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(camera))
    board = {"kind": "charuco", "columns": 7, "rows": 5, "square_m": 0.04, "marker_m": 0.03}
    content = {"setup": "eye-in-hand", "board": board, "camera": "camera.yaml", "samples": samples}
    (tmp_path / "samples.yaml").write_text(yaml.safe_dump(content))
    read = read_samples(tmp_path / "samples.yaml")
    assert len(read.skipped) == 1 and read.skipped[0].startswith("0.png: ") and read.corner_rms_px < 0.3
    assert isinstance(read.samples, PoseSamples) and len(read.samples.names) == 8
    found = calibrate_hand_eye(read.samples)
    assert error(found.T_parent_camera, X_IN_HAND) < (2.0, 0.3)
    assert found.rms_mm < 2.0


def test_files_of_poses(tmp_path: Path) -> None:
    samples = recorded(np.random.default_rng(0), 5, "eye-to-hand")
    np.savez(tmp_path / "s.npz", setup="eye-to-hand", T_base_gripper=samples.T_base_gripper,
             T_camera_board=samples.T_camera_board)  # fmt: skip
    position, quat = to_pos_quat(samples.T_camera_board)
    (tmp_path / "s.json").write_text(json.dumps({"samples": [
        {"T_base_gripper": T.tolist(), "T_camera_board": [*p.tolist(), *q.tolist()]}
        for T, p, q in zip(samples.T_base_gripper, position, quat, strict=True)
    ]}))  # fmt: skip
    for name in ("s.npz", "s.json"):
        read = read_samples(tmp_path / name, setup="eye-to-hand").samples
        assert isinstance(read, PoseSamples) and read.setup == "eye-to-hand" and read.names[4] == "5"
        np.testing.assert_allclose(read.T_base_gripper, samples.T_base_gripper, atol=1e-9)
        np.testing.assert_allclose(read.T_camera_board, samples.T_camera_board, atol=1e-9)
    with pytest.raises(InputError, match="give --setup"):
        read_samples(tmp_path / "s.json")


POSE = [0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1, 2]", "a mapping with `samples`"),
        ("{", "JSON, YAML or npz"),
        ('{"setup": "eye-in-hand"}', "a list `samples`"),
        (json.dumps({"samples": []}), "setup"),
        (json.dumps({"setup": "over-the-shoulder", "samples": []}), "eye-in-hand or eye-to-hand"),
        (json.dumps({"setup": "eye-in-hand", "samples": []}), "3 or more, got 0"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": POSE}]}), "sample 1: T_camera_board"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": POSE[:6]}]}), "sample 1: T_base_gripper"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": [500, *POSE[1:]]}]}), "metres"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": [*POSE[:6], 2.0]}]}), "a pose"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": (2 * np.eye(4)).tolist()}]}), "last row"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": np.diag([1, 1, -1, 1]).tolist()}]}),
         "rotation"),
        (json.dumps({"setup": "eye-in-hand", "samples": [{"T_base_gripper": POSE, "image": "a.png"}]}), "board"),
        (json.dumps({"samples": [{"point_camera": [1, 2], "point_base": [1, 2, 3]}]}), "point_camera"),
    ],
)  # fmt: skip
def test_files_that_are_not_as_they_should_be(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "samples.json").write_text(content)
    with pytest.raises(InputError) as refused:
        read_samples(tmp_path / "samples.json")
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_what_ros_is_told() -> None:
    """Optical axes in a link's (x forward, z up), against the definition of a quaternion."""
    T = transform(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), (0.1, -0.2, 0.3))
    command = static_transform_command(T, "panda_hand", "camera_link")
    assert command.startswith("ros2 run tf2_ros static_transform_publisher --x 0.100000 --y -0.200000 --z 0.300000 ")
    assert command.endswith(" --frame-id panda_hand --child-frame-id camera_link")
    words = command.split()
    x, y, z, w = (float(words[words.index(f"--q{axis}") + 1]) for axis in "xyzw")
    # R e_x = (1 - 2 (y^2 + z^2), 2 (xy + zw), 2 (xz - yw)), and so on: the definition of a unit quaternion
    R = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    np.testing.assert_allclose(R, T[:3, :3], atol=1e-7)
    read = yaml.safe_load(launch_yaml(T, "panda_hand", "camera_link", comment="why"))["camera_transform"]
    assert read["parent_frame"] == "panda_hand" and read["child_frame"] == "camera_link"
    np.testing.assert_allclose(read["xyz_m"], [0.1, -0.2, 0.3])
    np.testing.assert_allclose(read["quat_xyzw"], [x, y, z, w], atol=1e-8)


def test_the_picture_shows_what_was_left_out() -> None:
    samples = recorded(np.random.default_rng(3), 12, "eye-to-hand")
    B = samples.T_camera_board.copy()
    B[4] = B[4] @ transform(translation=(0.02, 0.0, 0.0))
    figure = calibration_figure(calibrate_hand_eye(replace(samples, T_camera_board=B)), title="a title")
    mm, deg, frames = figure.axes
    assert len(mm.patches) == len(deg.patches) == 12 and "1 left out" in mm.get_title(loc="left")
    odd = [index for index, bar in enumerate(mm.patches) if bar.get_facecolor() != mm.patches[0].get_facecolor()]
    assert odd == [4] and {text.get_text() for text in frames.texts} == {"robot base", "camera"}
    points = calibration_figure(calibrate_from_tips(tips(np.random.default_rng(0), 12, 1.0)), title="tips")
    assert len(points.axes) == 2
