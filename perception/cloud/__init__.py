"""Point-cloud preparation: cropping, outliers, depth cleaning, the support plane, normals, clusters."""

from perception.cloud.clusters import find_clusters
from perception.cloud.depth_image import flying_pixels, noise_level, smooth_depth, valid_depth
from perception.cloud.filters import crop_box, finite_points, radius_inliers, statistical_inliers, voxel_downsample
from perception.cloud.normals import LocalSurface, fit_surface
from perception.cloud.plane import Plane, find_plane

__all__ = [
    "LocalSurface",
    "Plane",
    "crop_box",
    "find_clusters",
    "find_plane",
    "finite_points",
    "fit_surface",
    "flying_pixels",
    "noise_level",
    "radius_inliers",
    "smooth_depth",
    "statistical_inliers",
    "valid_depth",
    "voxel_downsample",
]
