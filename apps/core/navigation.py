"""The portal's main pages, in order: the one place that knows them for the rail and the keyboard."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A main page; `under` are further path prefixes that belong to it, `key` follows `g` on the keyboard."""

    label: str
    path: str
    icon: str
    key: str
    under: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """True if that address lies in this part of the portal."""
        if self.path == "/":
            return path == "/"
        return path.startswith((self.path, *self.under))


OF_MODELS = (
    *("/m/", "/registered-models/", "/promotions/", "/evaluations/", "/freezes/"),
    *("/experiments/", "/runs/", "/lineage/"),
)
PLACES = (
    Place("Home", "/", "house", "h"),
    Place("Models", "/models/", "boxes", "m", under=OF_MODELS),
    Place("Retraining", "/retraining/", "refresh-cw", "r"),
    Place("Tools", "/tools/", "library", "t", under=("/decisions/", "/radar/", "/catalog/")),
    Place("Operations", "/operations/", "activity", "o", under=("/webhooks/", "/connections/", "/links/")),
)
