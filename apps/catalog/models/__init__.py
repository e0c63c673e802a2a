"""What the company may use and why: capabilities, tools (the world's facts), positions and decisions (ours)."""

from apps.catalog.models.base import LONGEST_TEXT, TOOL_SOURCING, Prose, Sourcing
from apps.catalog.models.decisions import Decision, Option
from apps.catalog.models.needs import FeatureGap, ToolRequest, Usage
from apps.catalog.models.positions import Position, RadarEdition, Ring, RingMove
from apps.catalog.models.tools import Capability, Tool, normal_name

__all__ = [
    "LONGEST_TEXT",
    "TOOL_SOURCING",
    "Capability",
    "Decision",
    "FeatureGap",
    "Option",
    "Position",
    "Prose",
    "RadarEdition",
    "Ring",
    "RingMove",
    "Sourcing",
    "Tool",
    "ToolRequest",
    "Usage",
    "normal_name",
]
