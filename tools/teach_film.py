"""A GIF of teaching, by person and by robot: python tools/teach_film.py PICTURE.gif [TASK]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from envs.demonstrator import demonstrate_scene
from envs.demonstrator.filming import DemonstrationFilm
from envs.workbench import TASKS
from policies.execution import TeachTrial, detect_with, do_at
from policies.execution.teach_trial import scene_of
from policies.programs import program_from_recording
from policies.programs.match_study import shown_example

SEED, NOISE_M = 0, 0.01
SIZE, INK, PAPER = (400, 250), (38, 44, 54), (255, 255, 255)
LEFT, RIGHT = "shown once (synthetic keypoints, 1 cm off)", "understood, and done where everything lies elsewhere"


def shown(task: str) -> list[Image.Image]:
    """The person, five pictures for each two seconds."""
    rng = np.random.default_rng([SEED, list(TASKS).index(task), 0])
    scene = TASKS[task].draw(rng)
    film = DemonstrationFilm(demonstrate_scene(scene, rng), np.random.default_rng(0), every=12)
    return [Image.fromarray(shot.rgb) for shot in film if shot.rgb is not None]


def done(task: str) -> list[Image.Image]:
    """The robot, five pictures for each two seconds."""
    program = program_from_recording(shown_example(task, SEED, NOISE_M).frames).program
    assert program is not None
    trial = TeachTrial(task=task, noise_m=NOISE_M, demonstration=SEED, scene=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "done.mp4"
        _, success = do_at(scene_of(trial), program, seed=[SEED, 0], detect=detect_with(), film=path)
        assert success
        return [Image.fromarray(frame) for frame in iio.imread(path, plugin="FFMPEG")[::2]]


def framed(picture: Image.Image) -> Image.Image:
    """Cut to the panel's shape, from the middle."""
    width, height = picture.size
    wanted = min(width, height * SIZE[0] // SIZE[1])
    tall = wanted * SIZE[1] // SIZE[0]
    left, top = (width - wanted) // 2, (height - tall) // 2
    return picture.crop((left, top, left + wanted, top + tall)).resize(SIZE, Image.Resampling.LANCZOS)


def main() -> None:
    """Both films side by side; the shorter one waits at its end."""
    path, task = Path(sys.argv[1]), (sys.argv[2:] or ["two_step"])[0]
    films = [[framed(picture) for picture in pictures] for pictures in (shown(task), done(task))]
    sheets = []
    for number in range(max(map(len, films))):
        sheet = Image.new("RGB", (2 * SIZE[0] + 10, SIZE[1] + 22), PAPER)
        for column, (film, words) in enumerate(zip(films, (LEFT, RIGHT), strict=True)):
            sheet.paste(film[min(number, len(film) - 1)], (column * (SIZE[0] + 10), 22))
            pen = ImageDraw.Draw(sheet)
            pen.text((column * (SIZE[0] + 10) + 4, 3), words, fill=INK, font=ImageFont.load_default(13))
        sheets.append(np.asarray(sheet.quantize(128, dither=Image.Dither.NONE).convert("RGB")))
    iio.imwrite(path, np.stack(sheets), duration=220, loop=0)


if __name__ == "__main__":
    main()
