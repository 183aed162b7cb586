"""Demonstrations before a virtual RGB-D camera."""

from envs.demonstrator.filming.contact_sheet import contact_sheet
from envs.demonstrator.filming.film import FILM_CAMERA, T_WORLD_FILM_CAMERA, DemonstrationFilm, FilmShot, write_film

__all__ = ["FILM_CAMERA", "T_WORLD_FILM_CAMERA", "DemonstrationFilm", "FilmShot", "contact_sheet", "write_film"]
