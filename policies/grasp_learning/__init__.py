"""Learning to detect grasps: the dataset and its generation."""

from perception.grasping.training import read_manifest
from policies.grasp_learning.generator import GenerationConfig, SceneSummary, generate, manifest_of
from policies.grasp_learning.object_pool import ObjectPool, WeightedSet
from policies.grasp_learning.recipe import SCENE_MIX, Physics, Recipe, RecipeObject, SceneMix, settle_scene
from policies.grasp_learning.shards import shard_path, write_shard
from policies.grasp_learning.trials import OUTCOMES, Trials, run_trials
from policies.grasp_learning.views import LabelledView, draw_camera, look

__all__ = [
    "OUTCOMES",
    "SCENE_MIX",
    "GenerationConfig",
    "LabelledView",
    "ObjectPool",
    "Physics",
    "Recipe",
    "RecipeObject",
    "SceneMix",
    "SceneSummary",
    "Trials",
    "WeightedSet",
    "draw_camera",
    "generate",
    "look",
    "manifest_of",
    "read_manifest",
    "run_trials",
    "settle_scene",
    "shard_path",
    "write_shard",
]
