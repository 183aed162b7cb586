"""The latency benchmark: its numbers by hand, and one short run in real processes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from geometry import InputError
from graspmimic.__main__ import main
from graspmimic.bench_latency import BenchLatency
from graspmimic.latency_report import flat_results, setting_results, write_samples
from graspmimic.latency_run import Measured, Sample, Setting


def sample(total: float, antipodal: float, vgn: float, **stages: float) -> Sample:
    wall = {"total": total, "antipodal": antipodal, "vgn": vgn}
    return Sample(0, wall, {name: 2.0 * value for name, value in wall.items()}, stages, 5)


SAMPLES = [sample(10.0, 100.0, 40.0, read=4.0, find=6.0), sample(20.0, 100.0, 20.0, read=5.0, find=15.0)]
SLOW = [sample(30.0, 90.0, 60.0, read=30.0)]
MEASURED = [
    Measured(Setting(threads=1), SLOW, 500.0),
    Measured(Setting(threads=4), SAMPLES, 600.0),
    Measured(Setting(threads=4, gpu=True), SLOW, 900.0),
    Measured(Setting(threads=4, alone=True), SAMPLES[:1], 321.0),
]


def test_the_numbers_of_a_setting_by_hand() -> None:
    results = setting_results(SAMPLES)
    assert results["total_ms_p50"] == 15.0
    assert results["total_ms_p95"] == pytest.approx(19.5)
    assert results["cpu_ms_p50"] == 30.0
    assert results["read_ms"] == 4.5 and results["find_ms"] == 10.5
    assert results["ratio_antipodal"] == pytest.approx(0.15)
    assert results["ratio_vgn"] == pytest.approx((0.25 + 1.0) / 2)
    assert results["vgn_ms_p50"] == 30.0 and results["turns"] == 2


def test_each_setting_has_its_suffix_and_the_last_on_the_cpu_stands_without() -> None:
    results = flat_results("network", MEASURED)
    assert results["total_ms_p50"] == results["total_ms_p50_4"] == 15.0
    assert results["total_ms_p50_1"] == results["total_ms_p50_gpu"] == 30.0
    assert results["find_ms_4"] == 10.5 and "find_ms_1" not in results
    assert results["memory_mb"] == 321.0


def test_every_turn_is_written_but_those_for_memory(tmp_path: Path) -> None:
    write_samples(MEASURED, tmp_path / "samples.csv")
    with (tmp_path / "samples.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["setting"] for row in rows] == ["1", "4", "4", "gpu"]
    assert [row["find"] for row in rows] == ["", "6.0", "15.0", ""]
    assert [row["total_ms"] for row in rows] == ["30.0", "10.0", "20.0", "30.0"]


@pytest.mark.parametrize(
    "wrong", [{"threads": ()}, {"threads": (2, 2)}, {"threads": (0,)}, {"repeats": 0}, {"seed": -1}]
)
def test_options_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="options"):
        BenchLatency(**wrong)


def test_a_wrong_planner_or_weight_file_is_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--planner", "nothing"], ["--weights", str(tmp_path / "no.safetensors")]):
        assert main(["bench", "latency", "--output", str(tmp_path / "out"), *options]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_short_run(tmp_path: Path) -> None:
    result = tmp_path / "latency.json"
    options = ["--planner", "antipodal", "--scenes", "1", "--count", "3", "--repeats", "2", "--threads", "1"]
    assert main(["bench", "latency", *options, "--output", str(tmp_path / "out"), "--json", str(result)]) == 0
    results = json.loads(result.read_text())["results"]
    assert results["turns_1"] == results["turns"] == 2
    assert 0.0 < results["total_ms_p50"] <= results["total_ms_p95"]
    assert 0.3 < results["cpu_ratio_antipodal_1"] < 3.0, "a planner beside itself"
    assert 50.0 < results["memory_mb"] < 2000.0
    assert len((tmp_path / "out" / "samples.csv").read_text().splitlines()) == 3
