"""A simulated Panda and RealSense behind the interfaces of the real ones."""
