"""Colour for the ray casting camera: a soft key light with shadows, and light from sky and ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from envs.cameras.posed_scene import PixelRays, PosedScene, Sight
from envs.cameras.triangles import Surface
from geometry import FloatArray, InputError

CREASE_RAD = 0.7
"""Faces that meet at a smaller angle are shaded as one curved surface."""
LIFT_M = 2e-4
"""Shadow rays start this far off the surface."""
GAMMA = 2.2
"""Between stored colours and light, which adds up."""
INTERLEAVE = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
"""Which turn of the shadow rays each of 4 x 4 neighbouring pixels takes: bands become a fine grain."""

Image = NDArray[np.float32]
_ENCODE = np.round(255.0 * np.linspace(0.0, 1.0, 1 << 14) ** (1.0 / GAMMA)).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """How a colour image is lit. Directions are in the world, colours are light from 0 to 1."""

    key_direction: tuple[float, float, float] = (-0.35, -0.55, 1.0)
    """From the scene towards the key light."""
    key: float = 0.85
    """Strength of the key light on a surface that faces it."""
    key_radius: float = 0.09
    """Size of the key light as the tangent of its angular radius: the softness of shadows."""
    shadow_rays: int = 4
    """Rays towards the key light for each sample; 0 draws no shadows."""
    sky: tuple[float, float, float] = (0.40, 0.43, 0.48)
    """Light from above."""
    ground: tuple[float, float, float] = (0.20, 0.18, 0.16)
    """Light from below."""
    gloss: float = 0.06
    """Strength of highlights."""
    background: tuple[float, float, float] = (0.90, 0.92, 0.95)
    """Colour where there is nothing, at the horizon; it darkens upwards."""
    fade_m: float = 8.0
    """Distance at which surfaces have mostly faded into the background."""
    supersample: int = 1
    """Samples per pixel along each axis: 2 gives smooth edges for four times the time."""

    def __post_init__(self) -> None:
        if not (np.linalg.norm(self.key_direction) > 0.0 and self.shadow_rays >= 0 and self.supersample >= 1):
            raise InputError(
                "Lighting",
                expected="a key_direction that is not zero, shadow_rays >= 0 and supersample >= 1",
                got=f"{self.key_direction}, {self.shadow_rays} and {self.supersample}",
            )
        if not (self.fade_m > 0.0 and self.key_radius >= 0.0):
            raise InputError(
                "Lighting", expected="fade_m > 0 and key_radius >= 0", got=f"{self.fade_m} and {self.key_radius}"
            )


def shade(
    scene: PosedScene, sight: Sight, pixels: PixelRays, T_world_camera: FloatArray, lighting: Lighting
) -> NDArray[np.uint8]:
    """Colour image (H, W, 3) of what the pixels see, averaged over `lighting.supersample`."""
    R_camera_world = T_world_camera[:3, :3].T
    rays = pixels.rays[..., 3:]
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    light = _background(rays @ R_camera_world[:, 2].astype(np.float32), lighting)
    seen = sight.part >= 0
    if seen.any():
        light[seen] = _surface_light(scene, sight, seen, rays[seen], light[seen], R_camera_world, lighting)
    step = lighting.supersample
    height, width = light.shape[0] // step, light.shape[1] // step
    light = light.reshape(height, step, width, step, 3).mean(axis=(1, 3))
    return _ENCODE[np.round(np.clip(light, 0.0, 1.0) * (len(_ENCODE) - 1)).astype(np.uint16)]


def _background(up: Image, lighting: Lighting) -> Image:
    """Light (..., 3) from where there is nothing; `up` is the upward part of the unit ray."""
    horizon = np.asarray(lighting.background, np.float32) ** GAMMA
    return horizon * (1.0 - 0.45 * np.clip(up, 0.0, 1.0))[..., None]


def _surface_light(
    scene: PosedScene,
    sight: Sight,
    seen: NDArray[np.bool_],
    rays: Image,
    behind: Image,
    R_camera_world: FloatArray,
    lighting: Lighting,
) -> Image:
    """Light (N, 3) that the seen surfaces send to the camera."""
    flat = sight.normals_camera[seen]
    depth = sight.depth_m[seen]
    normals = _smooth_normals(scene, sight, seen, flat)
    up, key = R_camera_world[:, 2].astype(np.float32), _unit(R_camera_world @ np.asarray(lighting.key_direction))
    points = rays * (depth / rays[:, 2])[:, None] + flat * np.float32(LIFT_M)
    facing = np.maximum(normals @ key, 0.0)
    visible = _key_visible(scene, points, flat, key, seen, lighting)
    shine = np.maximum(np.einsum("nc,nc->n", normals, _unit(key - rays)), 0.0)
    for _ in range(5):  # to the power of 32
        shine *= shine
    sky_share = (0.5 + 0.5 * (normals @ up))[:, None]
    ambient = sky_share * np.asarray(lighting.sky, np.float32) + (1.0 - sky_share) * np.asarray(
        lighting.ground, np.float32
    )
    albedo = _albedo(scene, sight, seen)
    light = albedo * (ambient + (lighting.key * facing * visible)[:, None])
    light += (lighting.gloss * shine * visible)[:, None]
    fade = np.exp(-((depth / lighting.fade_m) ** 2))[:, None]
    return light * fade + behind * (1.0 - fade)


def _key_visible(
    scene: PosedScene, points: Image, flat: Image, key: Image, seen: NDArray[np.bool_], lighting: Lighting
) -> Image:
    """Share (N,) of the key light that reaches each point; neighbouring pixels sample different parts of it."""
    count = lighting.shadow_rays
    if count == 0:
        return np.ones(len(points), np.float32)
    turned = flat @ key > 0.0
    height, width = seen.shape
    turn = np.tile(INTERLEAVE, (height // 4 + 1, width // 4 + 1))[:height, :width][seen][turned]
    rays = np.empty((len(turn), 6), np.float32)
    rays[:, :3] = points[turned]
    lit = np.zeros(len(turn), np.float32)
    for directions in _key_samples(key, lighting.key_radius, count):
        rays[:, 3:] = directions[turn]
        lit += ~scene.occluded(rays)
    visible = np.zeros(len(points), np.float32)
    visible[turned] = lit / np.float32(count)
    return visible


def _key_samples(key: Image, radius: float, count: int) -> Image:
    """(count, 16, 3) directions to points spread over the key light, in 16 versions turned about its centre."""
    side = _unit(np.cross(key, [0.0, 0.0, 1.0] if abs(key[2]) < 0.9 else [1.0, 0.0, 0.0]))
    across = np.cross(key, side)
    index = np.arange(count)[:, None]
    angle = index * (np.pi * (3.0 - np.sqrt(5.0))) + np.arange(16) * (2.0 * np.pi / 16.0)
    reach = radius * np.sqrt((index + 0.5) / count)
    samples: Image = (
        key + (reach * np.cos(angle))[..., None] * side + (reach * np.sin(angle))[..., None] * across
    ).astype(np.float32)
    return samples


def _albedo(scene: PosedScene, sight: Sight, seen: NDArray[np.bool_]) -> Image:
    """Share (N, 3) of the light that each seen surface sends back."""
    tables = [part.surface.rgb * np.asarray(part.rgba[:3], np.float32) for part in scene.parts]
    starts = np.cumsum([0, *(len(table) for table in tables)])[:-1]
    many = np.array([len(table) > 1 for table in tables])
    part = sight.part[seen]
    table = (np.concatenate(tables) ** GAMMA).astype(np.float32)
    albedo: Image = table[starts[part] + np.where(many[part], sight.triangle[seen], 0)]
    return albedo


def _smooth_normals(scene: PosedScene, sight: Sight, seen: NDArray[np.bool_], flat: Image) -> Image:
    """Shading normals (N, 3) in the camera frame, interpolated between the corners of curved surfaces."""
    normals = flat.copy()
    part, triangle, uv = sight.part[seen], sight.triangle[seen], sight.uv[seen]
    for index in np.unique(part):
        surface = scene.parts[index].surface
        if surface.half_extents_m is not None:
            continue
        mine = part == index
        corners = corner_normals(surface)[triangle[mine]]
        u, v = uv[mine, 0, None], uv[mine, 1, None]
        local = corners[:, 0] * (1.0 - u - v) + corners[:, 1] * u + corners[:, 2] * v
        turned = local @ scene.T_camera_parts[index][:3, :3].T.astype(np.float32)
        inward = np.einsum("nc,nc->n", turned, flat[mine]) < 0.0
        turned[inward] *= -1.0
        normals[mine] = turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9)
    return normals


@lru_cache(maxsize=512)
def corner_normals(surface: Surface) -> Image:
    """(F, 3, 3) normal at each triangle's corners: the mean over faces there within the crease angle."""
    vertices, triangles = surface.vertices, surface.triangles.astype(np.int64)
    edges = vertices[triangles]
    areas = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
    units = areas / np.maximum(np.linalg.norm(areas, axis=-1, keepdims=True), 1e-12)
    _, place = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    corner_place = place.reshape(-1)[triangles].reshape(-1)
    corner_face = np.repeat(np.arange(len(triangles)), 3)
    at = csr_matrix((np.ones(corner_face.size), (corner_place, corner_face)))
    pairs = (csr_matrix((np.ones(corner_place.size), (np.arange(corner_place.size), corner_place))) @ at).tocoo()
    close = np.einsum("ij,ij->i", units[corner_face[pairs.row]], units[pairs.col]) > np.cos(CREASE_RAD)
    weights = csr_matrix((close.astype(float), (pairs.row, pairs.col)), shape=(corner_place.size, len(triangles)))
    total = weights @ areas
    total /= np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)
    return total.reshape(-1, 3, 3).astype(np.float32)


def _unit(vector: NDArray[np.floating]) -> Image:
    return (vector / np.linalg.norm(vector, axis=-1, keepdims=True)).astype(np.float32)
