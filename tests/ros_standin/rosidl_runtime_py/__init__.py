"""A stand-in for rosidl_runtime_py."""
