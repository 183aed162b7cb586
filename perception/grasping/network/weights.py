"""Weights of a network on disk: a safetensors file, and beside it a JSON record of what made it.

Nothing in either can run code. `NAME.safetensors` holds the tensors; `NAME.json` holds what the
caller says of them (format, architecture, command, seed, data, time, metrics) and, added
here, the size and the SHA-256 of the first. Each file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from geometry import InputError

SUFFIX = ".safetensors"
RESTORE = "restore both files from where they came, or train again"
NOT_OURS = "graspmimic reads what it saved itself: NAME.safetensors with NAME.json beside it"
HEADER_START = 8
"""Bytes of the header's length, with which a safetensors file begins; the header is JSON."""
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How PyTorch's own files begin, zipped or plain."""


def save_weights(path: Path, tensors: Mapping[str, torch.Tensor], record: Mapping[str, Any]) -> None:
    """Write tensors to `path` and the record to the JSON file of the same stem.

    The JSON file is put in place last: where a power cut falls between the two, the sizes or the
    sums do not fit, and `load_weights` says so.

    Args:
        path: NAME.safetensors; its folder is made where it is missing.
        tensors: by name, such as a module's `state_dict()`; on any device.
        record: what JSON can hold; at least `format`, the name and version of the kind of network.
    Raises:
        InputError: if the record lacks its format or holds what JSON cannot, if a tensor holds
            numbers that are not finite, or if the files cannot be written.
    """
    _check_name(path, "save_weights")
    if not isinstance(record.get("format"), str):
        raise InputError("save_weights", expected="a record with its format's name", got="none")
    _check_finite("save_weights", tensors)
    data = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    whole = {**record, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    try:
        text = json.dumps(whole, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InputError("save_weights", expected="a record that JSON can hold", got=str(error)) from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
        _write(path.with_suffix(".json"), text.encode())
    except OSError as error:
        raise InputError("save_weights", expected="a file that can be written", got=f"{path}: {_said(error)}") from None


def load_weights(path: Path, expected_format: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `save_weights` wrote, after checking that it is whole, unchanged and of the right kind.

    Args:
        path: NAME.safetensors; NAME.json stands beside it.
        expected_format: the record's `format`.
    Returns:
        the tensors by name, on the CPU, and the record with its `bytes` and `sha256`.
    Raises:
        InputError: if either file is missing, damaged, foreign, or not the other's, or if a tensor
            holds numbers that are not finite.
    """
    where = str(path)
    data = _read_weights(path)
    record = _read_record(path.with_suffix(".json"))
    _check_format(str(path.with_suffix(".json")), record, expected_format)
    _check_sum(where, data, record)
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(where, expected="a safetensors file", got=_line(error), remedy=RESTORE) from None
    _check_finite(where, tensors)
    return tensors, record


def fill_module(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], where: str) -> None:
    """Copy tensors into a module of exactly the architecture that they were saved from.

    Args:
        module: filled in place.
        tensors: all that `module.state_dict()` names, in the same shapes, and nothing else.
        where: the file's name, for the error.
    Raises:
        InputError: if a tensor is missing, is one too many, or has another shape; nothing is copied then.
    """
    name, own = type(module).__name__, module.state_dict()
    for key in [*own, *tensors]:
        wanted, given = (_shape(table.get(key)) for table in (own, tensors))
        if wanted != given:
            raise InputError(
                where,
                expected=f"the weights of a {name} with {key}: {wanted}",
                got=f"{key}: {given}",
                remedy="these weights are of another architecture; build the network from their own record",
            )
    module.load_state_dict(dict(tensors))


def _read_weights(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(str(path), expected=f"a {SUFFIX} file", got="a folder", remedy="name the file in it")
    _check_name(path, str(path))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(str(path), expected="a file", got="none of this name", remedy="check the path") from None
    except OSError as error:
        raise InputError(str(path), expected="a file that can be read", got=_said(error)) from None
    if data[HEADER_START : HEADER_START + 1] == b"{":
        return data
    if not data:
        got = "an empty file"
    elif data.startswith(PICKLES):
        got = "a pickle, which could run code and is not opened"
    else:
        got = f"{len(data)} bytes of something else"
    raise InputError(str(path), expected="a safetensors file", got=got, remedy=NOT_OURS)


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(str(path), expected="the record of the weights", got="no file", remedy=NOT_OURS) from None
    except OSError as error:
        raise InputError(str(path), expected="a file that can be read", got=_said(error)) from None
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), expected="JSON", got=_line(error), remedy=RESTORE) from None
    if not isinstance(record, dict):
        raise InputError(str(path), expected="a JSON object", got=f"a JSON {type(record).__name__}", remedy=NOT_OURS)
    return record


def _check_format(where: str, record: dict[str, Any], expected_format: str) -> None:
    if record.get("format") != expected_format:
        raise InputError(
            where,
            expected=f"format {expected_format!r}",
            got=repr(record["format"]) if "format" in record else "no format",
            remedy="these are the weights of another network or release",
        )


def _check_sum(where: str, data: bytes, record: dict[str, Any]) -> None:
    found = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    for key, have in found.items():
        if record.get(key) != have:
            says = record.get(key, "nothing")
            raise InputError(where, expected=f"{key} {says}, as its record says", got=str(have), remedy=RESTORE)


def _check_finite(where: str, tensors: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
            raise InputError(
                where,
                expected="finite numbers",
                got=f"NaN or infinity in {name}",
                remedy="the training that made it diverged; take an earlier checkpoint",
            )


def _check_name(path: Path, where: str) -> None:
    if path.suffix != SUFFIX:
        raise InputError(where, expected=f"a name that ends in {SUFFIX}", got=path.name or ".", remedy=NOT_OURS)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _shape(tensor: torch.Tensor | None) -> str:
    return "nothing" if tensor is None else str(tuple(tensor.shape))


def _said(error: OSError) -> str:
    return error.strerror or str(error)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
