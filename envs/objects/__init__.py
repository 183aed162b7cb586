"""Objects for the simulated world: procedural, pybullet_data's, or from any folder of URDFs or meshes."""

from envs.objects.model import ObjectModel, ObjectSet
from envs.objects.source import load_objects

__all__ = ["ObjectModel", "ObjectSet", "load_objects"]
