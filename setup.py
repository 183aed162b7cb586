"""Package metadata. It stands here in full because colcon's --symlink-install reads only setup.py."""

from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

README = Path(__file__).with_name("README.md")  # missing where colcon links setup.py alone into its build folder
FLOORS = ("envs", "geometry", "graspmimic", "perception", "policies", "ros_nodes")
NODES = (
    "behavior_recognizer",
    "calibration_recorder",
    "demo_recorder",
    "grasp_detector",
    "pick_server",
    "policy_runner",
    "safety",
    "sim_robot",
    "table_clearer",
)

setup(
    name="graspmimic",
    version="0.1.0",
    description="Robots that grasp what they never saw and understand what people do: on a CPU, in Python.",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    author="The graspmimic developers",
    keywords=["robotics", "grasping", "manipulation", "pybullet", "point-cloud", "ros2", "franka-panda"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "License :: OSI Approved :: Apache Software License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    python_requires=">=3.10,<3.13",
    packages=find_packages(include=[floor + below for floor in FLOORS for below in ("", ".*")]),
    package_data={
        "envs": ["assets/*", "assets/**/*"],
        "perception": ["grasping/weights/*", "behavior/*/weights/*", "behavior/part_states/*.json"],
        "policies": ["reinforcement/weights/*", "imitation/weights/*"],
    },
    install_requires=[
        "numpy>=1.26",
        "scipy>=1.11",
        "threadpoolctl>=3.2",
        "pybullet>=3.2.6",
        "open3d>=0.19",
        "trimesh>=4.4",
        "coacd>=1.0.7",
        "ruckig>=0.12",
        "tyro>=0.9",
        "rich>=13.7",
        "matplotlib>=3.8",
        "imageio>=2.34",
        "imageio-ffmpeg>=0.5",
        "pillow>=10.0",
        "pyyaml>=6.0",
        "openexr>=3.3",
        "torch>=2.6",
        "safetensors>=0.4.3",
        "tensorboard>=2.16",
        "gymnasium>=1.1",
        "stable-baselines3>=2.6",
        "sb3-contrib>=2.6",
    ],
    extras_require={
        "view": ["rerun-sdk>=0.22"],
        "pose": ["mediapipe>=1.2", "flatbuffers>=24.3"],
        "lerobot": ["pyarrow>=15.0"],
        "robomimic": ["h5py>=3.10"],
        "teleop": ["pygame>=2.5"],
        "bags": ["rosbags>=0.10"],
        "calibrate": ["opencv-contrib-python>=4.10,<5"],
        "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "onnxscript>=0.5"],
        "dev": [
            "pytest>=8.0",
            "pytest-xdist>=3.6",
            "ruff>=0.8",
            "mypy>=1.11",
            "hmmlearn>=0.3.2",
            "onnx>=1.17",
            "onnxruntime>=1.20",
            "onnxscript>=0.5",
            "panda-gym==3.0.7",
            "pyarrow>=15.0",
            "h5py>=3.10",
            "pygame>=2.5",
            "rosbags>=0.10",
            "mcap>=1.2",
            "mcap-ros2-support>=0.5",
            "opencv-contrib-python>=4.10,<5",
        ],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/graspmimic"]),
        ("share/graspmimic", ["package.xml"]),
        ("share/graspmimic/launch", [file for kind in ("py", "xml", "yaml") for file in glob(f"launch/*.{kind}")]),
        ("share/graspmimic/launch/robots", glob("launch/robots/*.yaml")),
        ("share/graspmimic/launch/rviz", glob("launch/rviz/*.rviz")),
    ],
    entry_points={
        "console_scripts": [
            "graspmimic = graspmimic.__main__:main",
            "bag_to_dataset = ros_nodes.demo_recorder.bag_to_dataset:main",
            *(f"{node} = ros_nodes.executables:{node}" for node in NODES),
        ]
    },
    zip_safe=False,
)
