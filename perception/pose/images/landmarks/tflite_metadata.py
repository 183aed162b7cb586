"""How a TensorFlow Lite model wants its image: mean and spread, written into the model file.

MediaPipe's tasks read the normalisation of a model's input from a second flatbuffer inside the model's (metadata
schema 1.0, file identifier "M001"). Here it is put in front of the model: a new root table refers to the tables of
the old file, which stays as it was to the last byte, weights and their alignment included. Slot numbers are the
order of fields in TensorFlow Lite's schema.fbs and in MediaPipe's metadata_schema.fbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geometry import InputError

_METADATA_NAME, _MODEL_IDENTIFIER, _METADATA_IDENTIFIER = "TFLITE_METADATA", b"TFL3", b"M001"
_ALIGNMENT = 64
_MODEL_SLOTS = 8
_VERSION, _SUBGRAPHS, _BUFFERS, _METADATA = 0, 2, 4, 6
_SUBGRAPH_OUTPUTS = 2
_IMAGE_PROPERTIES, _RGB, _NORMALIZATION = 2, 1, 1


def with_image_normalization(model: bytes, *, mean: float, std: float) -> bytes:
    """The model with a note that its input is an RGB image, of which each value is (value - mean) / std.

    Args:
        model: a `.tflite` file without metadata, with one input.
        mean: of values 0 to 255.
        std: of values 0 to 255.

    Returns:
        A `.tflite` file that ends in the given one.

    Raises:
        InputError: if it is no TensorFlow Lite model, or has metadata already.
    """
    import flatbuffers  # here, for it comes with the extra [pose]

    model = model + bytes(-len(model) % _ALIGNMENT)
    root = _root_table(model)
    if _elements(root, _METADATA, _METADATA_NAME):
        raise InputError("with_image_normalization", expected="a model without metadata", got="one that has it")
    subgraph = type(root)(model, _elements(root, _SUBGRAPHS)[0])
    outputs = subgraph.VectorLen(subgraph.Offset(4 + 2 * _SUBGRAPH_OUTPUTS))
    metadata = _image_metadata(mean, std, outputs=outputs)
    builder: Any = flatbuffers.Builder(len(model) + len(metadata) + 4096)
    builder.Prep(_ALIGNMENT, 0)
    builder.CreateByteVector(model)
    _append_root(builder, root, metadata, size=len(model))
    return bytes(builder.Output())


def has_metadata(model: bytes) -> bool:
    """Whether a `.tflite` file carries metadata already."""
    return bool(_elements(_root_table(model), _METADATA, _METADATA_NAME))


def _append_root(builder: Any, root: Any, metadata: bytes, *, size: int) -> None:
    """A root table like the old one, with one buffer and one metadata entry more."""
    held = builder.CreateByteVector(metadata)
    buffer = _table(builder, {0: held})
    buffers = [size - position for position in _elements(root, _BUFFERS)]
    name = builder.CreateString(_METADATA_NAME)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUint32Slot(1, len(buffers), 0)
    entry = builder.EndObject()
    entries = [size - position for position in _elements(root, _METADATA)]
    vectors = {_BUFFERS: _vector(builder, [*buffers, buffer]), _METADATA: _vector(builder, [*entries, entry])}
    builder.StartObject(_MODEL_SLOTS)
    for slot in range(_MODEL_SLOTS):
        field = root.Offset(4 + 2 * slot)
        if slot == _VERSION:
            builder.PrependUint32Slot(slot, int.from_bytes(root.Bytes[root.Pos + field :][:4], "little"), 0)
        elif slot in vectors:
            builder.PrependUOffsetTRelativeSlot(slot, vectors[slot], 0)
        elif field:
            builder.PrependUOffsetTRelativeSlot(slot, size - root.Indirect(root.Pos + field), 0)
    builder.Finish(builder.EndObject(), _MODEL_IDENTIFIER)


def _image_metadata(mean: float, std: float, *, outputs: int) -> bytes:
    """The metadata flatbuffer of a model with one image as input."""
    import flatbuffers

    builder: Any = flatbuffers.Builder(512)
    version, name = builder.CreateString("1.0.0"), builder.CreateString("image")
    normalization = _table(builder, {0: _floats(builder, [mean]), 1: _floats(builder, [std])})
    unit = _table(builder, {1: normalization}, union=_NORMALIZATION)
    builder.StartObject(1)
    builder.PrependInt8Slot(0, _RGB, 0)
    properties = builder.EndObject()
    content = _table(builder, {1: properties}, union=_IMAGE_PROPERTIES)
    image = _table(builder, {0: name, 3: content, 4: _vector(builder, [unit])})
    results = [_table(builder, {0: builder.CreateString(f"output_{number}")}) for number in range(outputs)]
    subgraph = _table(builder, {2: _vector(builder, [image]), 3: _vector(builder, results)})
    builder.Finish(_table(builder, {3: _vector(builder, [subgraph]), 7: version}), _METADATA_IDENTIFIER)
    return bytes(builder.Output())


def _table(builder: Any, references: dict[int, int], *, union: int = 0) -> int:
    """A table of references by slot; `union` is the kind of what slot 1 refers to, kept in slot 0."""
    builder.StartObject(max(references) + 1)
    if union:
        builder.PrependUint8Slot(0, union, 0)
    for slot, offset in references.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def _root_table(model: bytes) -> Any:
    from flatbuffers.table import Table

    start = int.from_bytes(model[:4], "little")
    if model[4:8] != _MODEL_IDENTIFIER or not 8 <= start < len(model):
        raise InputError("TensorFlow Lite model", expected='a file marked "TFL3"', got=f"{model[4:8]!r}")
    return Table(model, start)


def _elements(table: Any, slot: int, name: str = "") -> list[int]:
    """Positions of the tables in a vector; with a name, only those whose first field is that text."""
    field = table.Offset(4 + 2 * slot)
    if not field:
        return []
    start, count = table.Vector(field), table.VectorLen(field)
    positions = [int(table.Indirect(start + 4 * number)) for number in range(count)]
    return [position for position in positions if not name or _text(table, position) == name]


def _text(table: Any, position: int) -> str:
    entry = type(table)(table.Bytes, position)
    field = entry.Offset(4)
    return entry.String(entry.Pos + field).decode() if field else ""
