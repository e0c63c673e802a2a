"""In which format a file of a version is: by its first bytes where they tell, else by its name. Nothing is loaded."""

from pathlib import PurePosixPath

PICKLE = "pickle"
UNKNOWN = "unknown"
HEAD_BYTES = 8

BY_ENDING = {
    ".json": "json",
    ".skops": "skops",
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    ".ubj": "ubj",
    ".csv": "csv",
    ".parquet": "parquet",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".txt": "text",
    ".md": "text",
    ".toml": "text",
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".joblib": PICKLE,
    ".pt": PICKLE,
    ".pth": PICKLE,
    ".npy": "numpy",
    ".npz": "numpy",
}
BY_NAME = {"MLmodel": "yaml", "LICENSE": "text", "README": "text"}


def format_of(path: str, head: bytes = b"") -> str:
    """`head` is the file's first bytes: a pickle stays one, whatever its name says."""
    if _is_pickle(head):
        return PICKLE
    name = PurePosixPath(path)
    return BY_NAME.get(name.name) or BY_ENDING.get(name.suffix.lower(), UNKNOWN)


def _is_pickle(head: bytes) -> bool:
    """Protocols 2 to 5 begin with the opcode PROTO and their number; older ones have no mark, only endings."""
    return len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5
