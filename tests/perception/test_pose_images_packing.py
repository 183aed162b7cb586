"""Landmark models are packed from a wheel, whole or not at all, and what is added to a network can be read back."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geometry import InputError
from perception.pose.images.landmarks import find_landmark_models, landmark_folder, pack_landmark_models
from perception.pose.images.landmarks.model_packing import NETWORKS, Network
from perception.pose.images.landmarks.tflite_metadata import has_metadata, with_image_normalization

flatbuffers = pytest.importorskip("flatbuffers", reason="flatbuffers comes with the extra [pose]")

WEIGHTS = np.arange(1000, dtype=np.float32).tobytes()


def vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def tiny_model(outputs: int = 2) -> bytes:
    """A TensorFlow Lite model of two buffers and one subgraph, one input, no operators."""
    builder: Any = flatbuffers.Builder(0)
    description = builder.CreateString("a tiny model")
    builder.StartVector(1, len(WEIGHTS), 16)
    builder.head -= len(WEIGHTS)
    builder.Bytes[builder.head : builder.head + len(WEIGHTS)] = WEIGHTS
    weights = builder.EndVector()
    buffers = []
    for data in (0, weights):
        builder.StartObject(1)
        if data:
            builder.PrependUOffsetTRelativeSlot(0, data, 0)
        buffers.append(builder.EndObject())
    places = []
    for rows in ([0], list(range(1, 1 + outputs))):
        builder.StartVector(4, len(rows), 4)
        for row in reversed(rows):
            builder.PrependInt32(row)
        places.append(builder.EndVector())
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(1, places[0], 0)
    builder.PrependUOffsetTRelativeSlot(2, places[1], 0)
    subgraph = builder.EndObject()
    subgraphs, all_buffers = vector(builder, [subgraph]), vector(builder, buffers)
    builder.StartObject(8)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, subgraphs, 0)
    builder.PrependUOffsetTRelativeSlot(3, description, 0)
    builder.PrependUOffsetTRelativeSlot(4, all_buffers, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


def test_the_model_itself_stays_as_it_was() -> None:
    model = tiny_model()
    noted = with_image_normalization(model, mean=0.0, std=255.0)
    assert not has_metadata(model) and has_metadata(noted)
    assert noted[4:8] == b"TFL3" and noted.rstrip(b"\0").endswith(model.rstrip(b"\0"))
    place, before = noted.index(WEIGHTS), model.index(WEIGHTS)
    assert (place - before) % 64 == 0  # what was aligned to 16 bytes still is
    with pytest.raises(InputError, match="has it"):
        with_image_normalization(noted, mean=0.0, std=255.0)


@pytest.mark.parametrize("junk", [b"", b"short", b"PK\x03\x04" + bytes(100), struct.pack("<I", 10**6) + b"TFL3"])
def test_what_is_no_model_is_refused(junk: bytes) -> None:
    with pytest.raises(InputError, match="TFL3"):
        with_image_normalization(junk, mean=0.0, std=1.0)


def test_mediapipes_own_schema_reads_the_metadata() -> None:
    """MediaPipe's generated classes, which the code does not use, find everything where it should be."""
    schema = pytest.importorskip(
        "mediapipe.tasks.metadata.schema_py_generated", reason="mediapipe comes with the extra [pose]"
    )
    from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema

    noted = bytearray(with_image_normalization(tiny_model(outputs=5), mean=127.5, std=63.0))
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(noted, 0))
    assert model.version == 3 and model.description == b"a tiny model" and len(model.buffers) == 3
    assert bytes(model.buffers[1].data) == WEIGHTS and list(model.subgraphs[0].outputs) == [1, 2, 3, 4, 5]
    (entry,) = model.metadata
    assert entry.name == b"TFLITE_METADATA" and entry.buffer == 2
    held = bytearray(model.buffers[2].data)
    assert metadata_schema.ModelMetadata.ModelMetadataBufferHasIdentifier(held, 0)
    found = metadata_schema.ModelMetadataT.InitFromObj(metadata_schema.ModelMetadata.GetRootAsModelMetadata(held, 0))
    (subgraph,) = found.subgraphMetadata
    (image,) = subgraph.inputTensorMetadata
    options = image.processUnits[0].options
    assert isinstance(options, metadata_schema.NormalizationOptionsT)
    assert list(options.mean) == [127.5] and list(options.std) == [63.0]
    assert isinstance(image.content.contentProperties, metadata_schema.ImagePropertiesT)
    assert image.content.contentProperties.colorSpace == metadata_schema.ColorSpaceType.RGB
    assert len(subgraph.outputTensorMetadata) == 5 and found.minParserVersion == b"1.0.0"


def fake_wheel(folder: Path, *, left_out: str = "") -> tuple[Path, dict[str, tuple[Network, ...]]]:
    """A wheel with a tiny model in place of each network, and the list of them with their true checksums."""
    wheel, listed = folder / "fake.whl", {}
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mediapipe-0.10.21.dist-info/LICENSE", "Apache License, Version 2.0")
        for number, (archive, parts) in enumerate(NETWORKS.items()):
            found = []
            for part in parts:
                model = tiny_model(outputs=2 + number)
                found.append(part._replace(sha256=hashlib.sha256(model).hexdigest()))
                if part.name != left_out:
                    package.writestr(part.member, model)
            listed[archive] = tuple(found)
    return wheel, listed


def test_a_wheel_becomes_two_archives_with_licence_and_record(tmp_path: Path) -> None:
    wheel, networks = fake_wheel(tmp_path)
    models = pack_landmark_models(wheel, tmp_path / "models", networks=networks)
    assert models == find_landmark_models(tmp_path / "models")
    for path, parts in ((models.hand, networks["hand.task"]), (models.pose, networks["pose.task"])):
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == [part.name for part in parts]
            for entry in archive.infolist():
                data = archive.read(entry)
                assert entry.compress_type == zipfile.ZIP_STORED and has_metadata(data)
                assert content.index(data) % 64 == 0
    record = json.loads((tmp_path / "models" / "models.json").read_text())
    assert record["licence"] == "Apache-2.0" and "0.10.21" in record["source"]
    assert "Apache License, Version 2.0" in (tmp_path / "models" / "LICENSE").read_text()
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [
        "LICENSE", "hand.task", "models.json", "pose.task",
    ]  # fmt: skip


def test_packing_twice_gives_the_same_files(tmp_path: Path) -> None:
    wheel, networks = fake_wheel(tmp_path)
    first, second = (pack_landmark_models(wheel, tmp_path / name, networks=networks) for name in ("one", "two"))
    assert first.pose.read_bytes() == second.pose.read_bytes() and first.hand.read_bytes() == second.hand.read_bytes()


def test_a_wheel_that_is_not_right_leaves_nothing_behind(tmp_path: Path) -> None:
    wheel, networks = fake_wheel(tmp_path)
    cut, lacking = tmp_path / "cut.whl", tmp_path / "lacking"
    cut.write_bytes(wheel.read_bytes()[:-200])
    lacking.mkdir()
    poor, _ = fake_wheel(lacking, left_out="pose_detector.tflite")
    for path, said in (
        (tmp_path / "missing.whl", "No such file"),
        (cut, "undamaged"),
        (poor, r"pose_detection\.tflite"),
    ):
        with pytest.raises(InputError, match=said):
            pack_landmark_models(path, tmp_path / "models", networks=networks)
    with pytest.raises(InputError, match="sha256"):
        pack_landmark_models(wheel, tmp_path / "models")  # the true list: these networks are others
    assert not (tmp_path / "models").exists()


def test_models_that_are_missing_are_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert landmark_folder() == tmp_path / "graspmimic" / "pose"
    with pytest.raises(InputError, match=r"hand\.task and pose\.task.*graspmimic setup pose"):
        find_landmark_models()
    landmark_folder().mkdir(parents=True)
    (landmark_folder() / "hand.task").write_bytes(b"there")
    with pytest.raises(InputError, match=r"expected pose\.task, got"):
        find_landmark_models()
