"""Messages to CDR bytes and back, through rosbags' typestore."""

from __future__ import annotations

import array
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from rosbags.serde import SerdeError

from .checks import NUMERIC, element_problem
from .definition import Definition, Field

Convert = Callable[[Any], Any]


class Wire:
    """Converts between the stand-in's messages and the objects that rosbags reads and writes."""

    def __init__(self, store: Any, classes: dict[str, Any], definitions: dict[str, Definition]) -> None:
        """Keep the typestore and the classes; converters are made when a type is first used."""
        self._store = store
        self._classes = classes
        self._definitions = definitions
        self._outward: dict[str, Convert] = {}
        self._inward: dict[str, Convert] = {}
        self._making = threading.RLock()

    def serialize(self, message: Any) -> bytes:
        """CDR of a message with its 4-byte header, little endian."""
        name = message._definition.name
        return bytes(self._store.serialize_cdr(self._out(name)(message), name))

    def deserialize(self, data: bytes, message_type: Any) -> Any:
        """The message of a type that CDR bytes hold; what comes after it is passed over, as a real ROS does."""
        name = message_type._definition.name
        convert, read = self._in(name), self._store.get_msgdef(name)
        try:
            return convert(self._store.deserialize_cdr(data, name))
        except SerdeError as error:
            if "size mismatch" not in str(error):
                raise
            return convert(read.deserialize_cdr_le(data[4:], 0, read.cls, self._store)[0])

    def type_hash(self, message_type: Any) -> str:
        """The hash by which ROS 2 tells whether two definitions of a type agree, "RIHS01_..."."""
        return str(self._store.hash_rihs01(message_type._definition.name))

    def _out(self, name: str) -> Convert:
        return self._made(self._outward, name, self._make_out)

    def _in(self, name: str) -> Convert:
        return self._made(self._inward, name, self._make_in)

    def _made(self, known: dict[str, Convert], name: str, make: Callable[[Definition], Convert]) -> Convert:
        if name not in known:
            with self._making:
                self._store.get_msgdef(name)  # rosbags' own code for the type, made here for the lock's sake
                known[name] = make(self._definitions[name])
        return known[name]

    def _make_out(self, definition: Definition) -> Convert:
        converters = [(field.name, self._field_out(field)) for field in definition.fields]
        if not converters:
            return lambda message: SimpleNamespace(structure_needs_at_least_one_member=0)
        if all(convert is None for _, convert in converters):
            return _unchanged

        def convert_message(message: Any) -> SimpleNamespace:
            values = {}
            for name, convert in converters:
                value = getattr(message, name)
                values[name] = value if convert is None else convert(value)
            return SimpleNamespace(**values)

        return convert_message

    def _field_out(self, field: Field) -> Convert | None:
        """The converter of a field's value, or None where rosbags takes it as it is."""
        if "/" in field.base:
            convert = self._out(field.base)
            if field.shape == "one":
                return None if convert is _unchanged else convert
            return self._checked_list(field, convert)
        if field.shape == "one":
            return ord if field.base == "byte" else None
        if field.base in NUMERIC:
            return _as_numpy(NUMERIC[field.base][1])
        if field.base == "string":
            return self._checked_list(field, _unchanged)
        dtype, single = (np.bool_, bool) if field.base == "bool" else (np.uint8, ord)
        checked = self._checked_list(field, single)
        return lambda values: np.array(checked(values), dtype=dtype)

    def _checked_list(self, field: Field, convert: Convert) -> Convert:
        """Lists can be changed in place, so their elements are looked at again when they are written."""
        problem = element_problem(field, self._classes)

        def convert_list(values: Any) -> list[Any]:
            for value in values:
                wrong = problem(value)
                assert not wrong, f"The '{field.name}' field must hold values each {wrong}, got {type(value).__name__}"
            return [convert(value) for value in values]

        return convert_list

    def _make_in(self, definition: Definition) -> Convert:
        cls = self._classes[definition.name]
        converters = [(field.name, f"_{field.name}", self._field_in(field)) for field in definition.fields]

        def convert_message(read: Any) -> Any:
            message = cls.__new__(cls)
            message._check_fields = True
            for name, slot, convert in converters:
                value = getattr(read, name)
                setattr(message, slot, value if convert is None else convert(value))
            return message

        return convert_message

    def _field_in(self, field: Field) -> Convert | None:
        if "/" in field.base:
            convert = self._in(field.base)
            return convert if field.shape == "one" else lambda values: [convert(value) for value in values]
        if field.shape == "one":
            return _byte_of if field.base == "byte" else None
        if field.base in NUMERIC:
            return np.array if field.shape == "array" else _as_array(NUMERIC[field.base][0])
        if field.base == "byte":
            return lambda values: [_byte_of(int(value)) for value in values]
        return (lambda values: values.tolist()) if field.base == "bool" else list


def _unchanged(value: Any) -> Any:
    return value


def _byte_of(value: int) -> bytes:
    return bytes([value])


def _as_numpy(dtype: Any) -> Convert:
    def convert(values: Any) -> Any:
        if isinstance(values, np.ndarray):
            return np.ascontiguousarray(values)
        return np.frombuffer(values, dtype) if len(values) else np.empty(0, dtype)

    return convert


def _as_array(typecode: str) -> Convert:
    def convert(values: Any) -> Any:
        numbers = array.array(typecode)
        numbers.frombytes(memoryview(values).cast("B") if len(values) else b"")
        return numbers

    return convert
