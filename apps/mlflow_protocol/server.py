"""What the server says about itself."""

from __future__ import annotations

from apps.mlflow_protocol.endpoints import Body, Call, Endpoint

VERSION = "3.17.2"
"""MLflow's version whose protocol is spoken."""


def server_info(call: Call) -> Body:
    """Features that a 3.x client asks for."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": True,
        "multipart_downloads_enabled": False,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "features_enabled": {"gateway": False},
    }


ENDPOINTS = (Endpoint("GET", "mlflow/server-info", server_info, reads=True, in_run=True, version="3.0"),)
