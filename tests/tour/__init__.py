"""The pictures of the README and of `docs/tour.md`, taken of a Pinakes that has done some work."""
