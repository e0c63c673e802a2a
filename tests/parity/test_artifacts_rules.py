"""The artifact proxy, and what a client asks a server about itself: both, with files on a disk, mean the same."""

from __future__ import annotations

import pytest

from tests.parity.compared import Both

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PARTS = {"path": "weights.bin", "num_parts": 2, "upload_id": "x", "parts": []}

NOT_SERVED = {"presigned_upload_model_id_supported", "presigned_upload_run_id_supported", "features_enabled"}
"""Features of MLflow that the portal leaves to MLflow."""


@pytest.mark.parametrize("step", ["create", "complete", "abort"])
def test_a_disk_of_mlflow_takes_no_file_in_parts_and_the_portal_s_does(both: Both, step: str) -> None:
    theirs, ours = both.ask("POST", f"/api/2.0/mlflow-artifacts/mpu/{step}/0/none/artifacts", **PARTS)
    assert (theirs.status, ours.status) == (501, 404 if step == "create" else 403)


@pytest.mark.parametrize("path", ["none", "0/none/artifacts", "0/none/artifacts/deep/er", ""])
def test_a_folder_that_is_not_there_lists_nothing(both: Both, path: str) -> None:
    both.same("GET", ARTIFACTS, path=path)


@pytest.mark.parametrize(
    "path", ["..", "../../etc", "/etc", "a/../../b", "%2e%2e/x", "a\\..\\b", "C:/x", "file:///etc"]
)
def test_a_folder_that_climbs_is_no_folder(both: Both, path: str) -> None:
    theirs, ours = both.ask("GET", ARTIFACTS, path=path)
    assert theirs.status != 200 or not theirs.body.get("files")
    assert ours.status == 400 or not ours.body.get("files")


def test_a_server_says_the_same_of_itself(both: Both) -> None:
    theirs, ours = (answer.body for answer in both.ask("GET", "/api/3.0/mlflow/server-info"))
    assert set(ours) <= set(theirs)
    assert {name for name, said in ours.items() if said != theirs[name]} == {*NOT_SERVED, "multipart_uploads_enabled"}
    assert both.same("GET", "/version").body == "3.17.2"
    assert both.same("GET", "/health").body == "OK"
