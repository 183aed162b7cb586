"""Objects on a table: the settled scene, and the ways to arrange one."""

from envs.scenes.arrangements import Arrangement, add_bin, arrange
from envs.scenes.scene import Scene, SceneObject, Workspace

__all__ = ["Arrangement", "Scene", "SceneObject", "Workspace", "add_bin", "arrange"]
