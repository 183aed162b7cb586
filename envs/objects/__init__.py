"""Objects for the simulated world: procedural, pybullet_data's, or from any folder of URDFs or meshes."""

from envs.objects.material import Material
from envs.objects.model import ObjectModel, ObjectSet
from envs.objects.source import load_objects

__all__ = ["Material", "ObjectModel", "ObjectSet", "load_objects"]
