"""Files of a LeRobotDataset v3.0, as lerobot 0.4.4 writes and reads them.

Source: huggingface/lerobot, src/lerobot/datasets/utils.py. (Its documentation names meta/tasks.jsonl; the program
reads and writes meta/tasks.parquet.)
"""

from __future__ import annotations

VERSION = "v3.0"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
OWN, OWN_LAST = "meta/graspmimic.json", "meta/graspmimic_last.parquet"
"""What LeRobot has no place for: bounds, names, provenance; and the observations after the last actions."""
TIMESTAMP_TOLERANCE_S = 1e-4
"""LeRobot's."""
FILES_PER_CHUNK, DATA_FILE_MB, VIDEO_FILE_MB = 1000, 100, 200

ACTION, REWARD, DONE, SUCCESS = "action", "next.reward", "next.done", "next.success"
INDEX_COLUMNS = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Columns that every set has, and their types."""
