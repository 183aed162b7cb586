"""Weights come back as they were saved; anything damaged or foreign gives one clear line."""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from geometry import InputError
from perception.grasping.network.weights import fill_module, load_weights, save_weights

FORMAT = "graspmimic-test-1"
RECORD = {"format": FORMAT, "architecture": {"width": 3}, "seed": 7, "metrics": {"loss": 0.25}}


def saved(folder: Path, **changes: Any) -> Path:
    path = folder / "net.safetensors"
    tensors = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.count": torch.tensor(5)}
    save_weights(path, tensors, {**RECORD, **changes})
    return path


def rewrite_record(path: Path, **changes: Any) -> None:
    record = path.with_suffix(".json")
    record.write_text(json.dumps({**json.loads(record.read_text()), **changes}))


def replace_weights(path: Path, data: bytes) -> None:
    """Another file with sums that fit, as one who means harm would do it."""
    path.write_bytes(data)
    rewrite_record(path, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def safetensors_bytes(numbers: bytes, dtype: str = "F32", shape: tuple[int, ...] = (2,)) -> bytes:
    """A safetensors file written by hand from its specification: length, JSON header, numbers."""
    entry = {"dtype": dtype, "shape": list(shape), "data_offsets": [0, len(numbers)]}
    header = json.dumps({"a": entry}).encode()
    return struct.pack("<Q", len(header)) + header + numbers


def message(path: Path, expected_format: str = FORMAT) -> str:
    with pytest.raises(InputError) as caught:
        load_weights(path, expected_format)
    said = str(caught.value)
    assert "\n" not in said and said.startswith(str(path.with_suffix("")))
    return said


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = saved(tmp_path)
    tensors, record = load_weights(path, FORMAT)
    assert tensors["a.weight"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert tensors["a.count"].dtype == torch.int64 and tensors["a.count"].item() == 5
    assert {key: record[key] for key in RECORD} == RECORD
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.json", "net.safetensors"]


def test_the_file_follows_the_safetensors_specification(tmp_path: Path) -> None:
    """Read by hand: eight bytes of length, JSON, then numbers that are little-endian."""
    data = saved(tmp_path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8 : 8 + length])["a.weight"]
    start, end = entry["data_offsets"]
    assert entry["dtype"] == "F32" and entry["shape"] == [2, 3]
    assert struct.unpack("<6f", data[8 + length + start : 8 + length + end]) == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


def test_the_same_weights_make_the_same_bytes(tmp_path: Path) -> None:
    assert saved(tmp_path / "one").read_bytes() == saved(tmp_path / "two").read_bytes()


def test_views_and_shared_memory_are_saved_as_they_look(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    save_weights(tmp_path / "net.safetensors", {"turned": whole.T, "first": whole[0], "whole": whole}, RECORD)
    tensors, _ = load_weights(tmp_path / "net.safetensors", FORMAT)
    assert tensors["turned"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert tensors["first"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("keep", [1, 7, 8, 9, 60, -1])
def test_a_truncated_file(tmp_path: Path, keep: int) -> None:
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    assert "expected" in message(path)


def test_every_byte_counts(tmp_path: Path) -> None:
    path = saved(tmp_path)
    data = path.read_bytes()
    for position in range(len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        message(path)


def test_one_changed_number_names_both_sums(tmp_path: Path) -> None:
    path = saved(tmp_path)
    data = path.read_bytes()
    changed = data[:-1] + bytes([data[-1] ^ 64])
    path.write_bytes(changed)
    said = message(path)
    assert hashlib.sha256(data).hexdigest() in said and hashlib.sha256(changed).hexdigest() in said


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda path: path.write_bytes(b""), "an empty file"),
        (lambda path: path.unlink(), "none of this name"),
        (lambda path: path.with_suffix(".json").unlink(), "no file"),
        (lambda path: path.with_suffix(".json").write_text(""), "expected JSON"),
        (lambda path: path.with_suffix(".json").write_text("{" * 9), "expected JSON"),
        (lambda path: path.with_suffix(".json").write_text("[" * 100_000), "expected JSON"),
        (lambda path: path.with_suffix(".json").write_bytes(b"\xff\xfe\x00"), "expected JSON"),
        (lambda path: path.with_suffix(".json").write_text("[1]"), "a JSON list"),
        (lambda path: rewrite_record(path, format="vgn"), "expected format 'graspmimic-test-1', got 'vgn'"),
        (lambda path: rewrite_record(path, format=["a"]), "got ['a']"),
        (lambda path: rewrite_record(path, sha256="0" * 64), "expected sha256 " + "0" * 64),
        (lambda path: rewrite_record(path, sha256=None), "expected sha256 None"),
        (lambda path: path.with_suffix(".json").write_text('{"weights": 1}'), "no format"),
        (lambda path: path.write_bytes(b"\x89PNG and some more bytes"), "24 bytes of something else"),
        (lambda path: replace_weights(path, struct.pack("<Q", 2) + b"{" + b"x" * 40), "expected a safetensors file"),
        (lambda path: replace_weights(path, struct.pack("<Q", 1 << 60) + b"{}"), "expected a safetensors file"),
        (lambda path: replace_weights(path, safetensors_bytes(b"12345678", shape=(3,))), "expected a safetensors file"),
        (lambda path: replace_weights(path, safetensors_bytes(b"12345678", "F99")), "expected a safetensors file"),
        (lambda path: replace_weights(path, safetensors_bytes(struct.pack("<2f", 1, float("nan")))), "in a;"),
        (lambda path: replace_weights(path, safetensors_bytes(struct.pack("<2e", 1, float("inf")), "F16")), "in a;"),
    ],
)
def test_damaged_and_foreign_files(tmp_path: Path, damage: Callable[[Path], object], said: str) -> None:
    path = saved(tmp_path)
    damage(path)
    assert said in message(path)


def test_weights_beside_the_record_of_others(tmp_path: Path) -> None:
    path, other = saved(tmp_path / "one"), tmp_path / "two" / "net.safetensors"
    save_weights(other, {"a": torch.zeros(3)}, RECORD)
    other.with_suffix(".json").replace(path.with_suffix(".json"))
    assert "as its record says" in message(path)


class Harm:
    """What unpickles to a call: nothing may read it that way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
@pytest.mark.parametrize("write", ["torch", "pickle"])
def test_a_pickle_is_named_and_never_run(tmp_path: Path, name: str, write: str) -> None:
    path, touched = tmp_path / name, tmp_path / "touched"
    if write == "torch":
        torch.save({"a": Harm(touched)}, path)
    else:
        path.write_bytes(pickle.dumps(Harm(touched)))
    said = message(path)
    assert ".pt" in said if name.endswith(".pt") else "a pickle" in said
    assert not touched.exists()


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "net.safetensors"
    folder.mkdir()
    assert "a folder" in message(folder)


def test_saving_refuses_what_could_not_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    good = {"a": torch.zeros(2)}
    for tensors, record, said in (
        ({"a": torch.tensor([1.0, float("nan")])}, RECORD, "in a;"),
        (good, {"seed": 1}, "got none"),
        (good, {**RECORD, "metrics": {"loss": float("nan")}}, "JSON"),
        (good, {**RECORD, "metrics": torch.zeros(1)}, "JSON"),
    ):
        with pytest.raises(InputError, match=said):
            save_weights(path, tensors, record)
    with pytest.raises(InputError, match="ends in .safetensors"):
        save_weights(tmp_path / "net.pt", good, RECORD)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can be written"):
        save_weights(tmp_path / "file" / "net.safetensors", good, RECORD)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_save_that_fails_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="No space left"):
        saved(tmp_path, seed=8)
    monkeypatch.undo()
    assert load_weights(path, FORMAT)[1]["seed"] == 7
    assert len(list(tmp_path.iterdir())) == 2


def test_a_module_takes_only_its_own_weights() -> None:
    source, module = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    fill_module(module, source.state_dict(), "net.safetensors")
    assert torch.equal(module.weight, source.weight) and torch.equal(module.bias, source.bias)
    for foreign, said in (
        (torch.nn.Linear(4, 2), r"weight: \(2, 3\), got weight: \(2, 4\)"),
        (torch.nn.Linear(3, 2, bias=False), r"bias: \(2,\), got bias: nothing"),
        (torch.nn.Sequential(torch.nn.Linear(3, 2)), "weight: .* got weight: nothing"),
    ):
        with pytest.raises(InputError, match=said):
            fill_module(module, foreign.state_dict(), "net.safetensors")
    with pytest.raises(InputError, match="extra: nothing, got extra"):
        fill_module(module, {**source.state_dict(), "extra": torch.zeros(1)}, "net.safetensors")
    assert torch.equal(module.weight, source.weight)
