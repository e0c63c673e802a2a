"""The portal's settings without its middleware and its doors."""

from portal.settings import *  # noqa: F403

MIDDLEWARE = []
ROOT_URLCONF = "benchmarks.bare.urls"
