"""SimCC networks: crops by hand-computed numbers, and an ONNX file whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from geometry import FloatArray, InputError
from perception.figures import VideoWriter
from perception.pose.images import ImageFolder, SimccPose, VideoFile
from perception.pose.images.simcc import Crop, decode_simcc
from perception.pose.images.simcc.crop import normalized
from perception.pose.skeletons import COCO17, WHOLEBODY133

INPUT = (192, 256)
IMAGE = (240, 320)


def test_a_crop_is_where_it_was_computed_by_hand() -> None:
    """A box 80 wide and 120 high about (100, 100): with 1.25, 150 high, so 112.5 wide; a pixel is 256 / 150."""
    crop = Crop.around((60.0, 40.0, 140.0, 160.0), INPUT)
    assert crop.extent_px == pytest.approx([112.5, 150.0])
    assert crop.to_input((100.0, 100.0)) == pytest.approx([96.0, 128.0])
    assert crop.to_input((43.75, 25.0)) == pytest.approx([0.0, 0.0])
    assert crop.to_input((156.25, 175.0)) == pytest.approx([192.0, 256.0])
    assert crop.to_image(crop.to_input((61.3, 77.7))) == pytest.approx([61.3, 77.7])
    wide = Crop.around((0.0, 0.0, 200.0, 100.0), INPUT)
    assert wide.extent_px == pytest.approx([250.0, 250.0 / 0.75])


@pytest.mark.parametrize("box", [(60.0, 40.0, 140.0, 160.0), (10.3, 7.9, 230.0, 222.2), (120.0, 90.0, 160.0, 140.0)])
def test_a_crop_shows_what_is_at_its_place(box: tuple[float, ...]) -> None:
    """In an image whose colours are its columns and rows, each input pixel tells where it was taken from.

    Colours are cut to whole numbers, so they are below the place by less than 1.
    """
    size = 250
    rows, columns = np.mgrid[:size, :size]
    crop = Crop.around(box, INPUT)
    cut = crop.cut(np.stack([columns, rows, np.full_like(rows, 9)], axis=-1).astype(np.uint8))
    there = crop.to_image(np.stack(np.meshgrid(np.arange(INPUT[0]), np.arange(INPUT[1])), axis=-1))
    inside = ((there > 0.0) & (there < size - 1.0)).all(axis=-1)
    outside = ((there < -1.0) | (there > size)).any(axis=-1)
    below = (there - cut[..., :2])[inside]
    assert cut.shape == (256, 192, 3) and inside.mean() > 0.3
    assert below.min() > -0.01 and below.max() < 1.01
    assert (cut[outside] == 0).all() and (cut[inside][:, 2] == 9).all()


def test_colours_are_normalised_as_in_training() -> None:
    pixel = np.array([[[255, 0, 100]]], dtype=np.uint8)
    expected = [(255 - 123.675) / 58.395, -116.28 / 57.12, (100 - 103.53) / 57.375]
    assert normalized(pixel)[0, :, 0, 0] == pytest.approx(expected, rel=1e-6)


def gaussian(length: int, peak: float) -> FloatArray:
    return np.asarray(np.exp(-((np.arange(length) - peak) ** 2) / (2.0 * 6.0**2)))


def test_peaks_are_decoded() -> None:
    x = np.stack([gaussian(384, 100.0), 0.4 * gaussian(384, 383.0), 2.0 * gaussian(384, 7.0), np.zeros(384)])
    y = np.stack([gaussian(512, 33.0), gaussian(512, 0.0), gaussian(512, 511.0) * 3.0, gaussian(512, 5.0)])
    points, scores = decode_simcc(x, y, INPUT)
    assert points[:3] == pytest.approx(np.array([[50.0, 16.5], [191.5, 0.0], [3.5, 255.5]]))
    assert np.isnan(points[3]).all()
    assert scores == pytest.approx([1.0, 0.4, 1.0, 0.0])
    with pytest.raises(InputError, match="384, got|192"):
        decode_simcc(x[:, :383], y, INPUT)


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Path]:
    """Writes an ONNX file that always finds joints at given places of its input."""
    onnx = pytest.importorskip("onnx", reason="onnx builds the network; it comes with the extra [onnx]")
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the network; it comes with the extra [onnx]")

    def write(points: FloatArray, scores: FloatArray, names: tuple[str, str] = ("simcc_x", "simcc_y")) -> Path:
        helper, graph_nodes, tensors = onnx.helper, [], []
        shape = ("N", 3, INPUT[1], INPUT[0])
        for axis, (name, length) in enumerate(zip(names, (2 * INPUT[0], 2 * INPUT[1]), strict=True)):
            peaks = np.stack([s * gaussian(length, 2.0 * p[axis]) for p, s in zip(points, scores, strict=True)])
            tensors.append(onnx.numpy_helper.from_array(peaks[None].astype(np.float32), f"peaks_{axis}"))
            graph_nodes.append(helper.make_node("Add", [f"peaks_{axis}", "nothing"], [name]))
        tensors.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
        tensors.append(onnx.numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"))
        graph_nodes.insert(0, helper.make_node("ReduceMax", ["image", "axes"], ["most"], keepdims=0))
        graph_nodes.insert(1, helper.make_node("Mul", ["most", "zero"], ["nothing"]))
        graph = helper.make_graph(
            graph_nodes,
            "simcc",
            [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names],
            tensors,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        path = tmp_path / f"network_{len(points)}.onnx"
        onnx.save(model, path)
        return path

    return write


@pytest.fixture
def photo(tmp_path: Path) -> ImageFolder:
    path = tmp_path / "photo.png"
    iio.imwrite(path, np.full((*IMAGE, 3), 90, dtype=np.uint8))
    return ImageFolder(path)


def spread(count: int) -> FloatArray:
    """Places in the input, at whole half pixels."""
    rng = np.random.default_rng(count)
    return np.round(2.0 * rng.uniform((20.0, 20.0), (170.0, 230.0), size=(count, 2))) / 2.0


def test_joints_come_back_through_the_crop(network: Callable[..., Path], photo: ImageFolder) -> None:
    """The whole image, 320 by 240, grows to 400 by 533.3: a pixel of the input is 400 / 192 of the image's."""
    points, scores = spread(17), np.linspace(0.3, 1.0, 17)
    source = SimccPose(photo, network(points, scores))
    (frame,) = source
    (person,) = frame.persons
    assert source.skeleton is COCO17 is frame.skeleton and frame.rgb is not None and source.rate_hz is None
    expected = (points - (96.0, 128.0)) * (400.0 / 192.0) + (160.0, 120.0)
    assert person.keypoints_px == pytest.approx(expected)
    assert person.scores == pytest.approx(scores, rel=1e-6)
    assert person.left_hand is None


def test_each_box_of_a_detector_is_a_person(network: Callable[..., Path], photo: ImageFolder) -> None:
    boxes = [np.array([60.0, 40.0, 140.0, 160.0]), np.array([200.0, 40.0, 280.0, 160.0])]
    (frame,) = SimccPose(photo, network(spread(17), np.ones(17)), detector=lambda _: boxes)
    first, second = (person.keypoints_px for person in frame.persons)
    assert first is not None and second is not None
    assert second - first == pytest.approx(np.tile([140.0, 0.0], (17, 1)))
    assert first == pytest.approx((spread(17) - (96.0, 128.0)) * (150.0 / 256.0) + (100.0, 100.0))
    (nobody,) = SimccPose(photo, network(spread(17), np.ones(17)), detector=lambda _: [])
    assert nobody.persons == ()


def test_hands_of_a_whole_body_are_given_apart(network: Callable[..., Path], photo: ImageFolder) -> None:
    (frame,) = SimccPose(photo, network(spread(133), np.ones(133)))
    (person,) = frame.persons
    assert frame.skeleton is WHOLEBODY133 and person.keypoints_px is not None
    for hand, first in ((person.left_hand, 91), (person.right_hand, 112)):
        assert hand is not None and hand.keypoints_px is not None
        assert hand.keypoints_px == pytest.approx(person.keypoints_px[first : first + 21])


def test_in_a_film_the_box_follows_the_joints(network: Callable[..., Path], tmp_path: Path) -> None:
    """The network finds joints at the same places of any crop, so the second box is about the first's joints."""
    with VideoWriter(tmp_path / "film.mp4") as writer:
        for _ in range(3):
            writer.add(np.full((*IMAGE, 3), 90, dtype=np.uint8))
    points = spread(17)
    first, second, _ = (
        frame.persons[0].keypoints_px
        for frame in SimccPose(VideoFile(tmp_path / "film.mp4"), network(points, np.ones(17)))
    )
    assert first is not None
    crop = Crop.around(np.concatenate([first.min(axis=0), first.max(axis=0)]), INPUT)
    assert second == pytest.approx(crop.to_image(points))


def test_a_faint_answer_is_nobody(network: Callable[..., Path], photo: ImageFolder) -> None:
    (frame,) = SimccPose(photo, network(spread(17), np.full(17, 0.1)))
    assert frame.persons == ()


def test_a_file_that_is_no_such_network_is_refused(
    network: Callable[..., Path], photo: ImageFolder, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no such file"):
        SimccPose(photo, tmp_path / "missing.onnx")
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no network")
    with pytest.raises(InputError, match="can load"):
        SimccPose(photo, bad)
    with pytest.raises(InputError, match=r"joints, got 26"):
        SimccPose(photo, network(spread(26), np.ones(26)))
