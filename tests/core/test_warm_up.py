"""Before its first request a web process has loaded what requests need."""

import json
import subprocess
import sys

from django.conf import settings

SEEN = """
import gc, json
import portal.wsgi
from django.template import engines
from django.urls import get_resolver

kept = gc.get_freeze_count()
gc.collect()
left = len(gc.get_objects())
cached = engines["django"].engine.template_loaders[0].loaders[0].get_template_cache
addresses = get_resolver()._populated
seen = {"kept": kept, "left": left, "templates": [str(key) for key in cached], "addresses": addresses}
print(json.dumps(seen))
"""


def test_addresses_and_templates_are_loaded_and_the_collector_leaves_them_alone() -> None:
    argv = [sys.executable, "-c", SEEN]
    said = subprocess.run(argv, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    seen = json.loads(said.stdout.splitlines()[-1])
    assert seen["addresses"]
    assert {"base.html", "dashboard/home.html"} <= set(seen["templates"])
    assert seen["left"] < seen["kept"] / 100
