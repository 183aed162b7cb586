"""What objects are made of: density, friction, and a palette that goes well together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import InputError

Color = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Material:
    """A material, for the mass and the friction of an object."""

    density_kg_m3: float = 500.0
    """Mass by volume; the default is that of a filled carton."""
    friction: float = 0.8
    """Coulomb coefficient against a rubber finger pad. Bullet multiplies it with the partner's, and pads have 1."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0.0):
                raise InputError("Material", expected=f"{name} > 0", got=f"{value}")


CARDBOARD = Material(density_kg_m3=400.0, friction=0.7)
WOOD = Material(density_kg_m3=650.0, friction=0.8)
RUBBER = Material(density_kg_m3=1100.0, friction=1.0)
SOAP = Material(density_kg_m3=900.0, friction=0.6)
CERAMIC = Material(density_kg_m3=2300.0, friction=0.6)
FILLED_CAN = Material(density_kg_m3=1050.0, friction=0.5)
FILLED_BOTTLE = Material(density_kg_m3=950.0, friction=0.6)
PRINTED_PLASTIC = Material(density_kg_m3=800.0, friction=0.6)

_HEX = "E07A5F 4E8098 81B29A F2CC8F 6D597A E9C46A 457B9D E76F51 2A9D8F F4A261 B56576 90A955 A8DADC D4A373 5E548E EDE0D4"
PALETTE: tuple[Color, ...] = tuple(
    (int(code[:2], 16) / 255.0, int(code[2:4], 16) / 255.0, int(code[4:], 16) / 255.0) for code in _HEX.split()
)
"""Red, green and blue from 0 to 1; neighbours differ clearly."""
