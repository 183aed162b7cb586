"""Many environments at once: several in each worker process, over shared memory."""

from envs.vector.entry_point import vector_entry_point
from envs.vector.shared_memory_env import SharedMemoryVectorEnv
from envs.vector.worker import WorkerError

__all__ = ["SharedMemoryVectorEnv", "WorkerError", "vector_entry_point"]
