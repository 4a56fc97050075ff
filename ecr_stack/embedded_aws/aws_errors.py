"""How AWS says no: the error code and wording that an operation uses."""

from __future__ import annotations

from botocore.exceptions import ClientError
from botocore.model import OperationModel

__all__ = ["invalid", "refusal"]


def refusal(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    """Build the error that boto3 raises when AWS answers with `code` and `message`."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "embedded"},
        },
        operation,
    )


def invalid(model: OperationModel, place: str, value: object, constraint: str) -> ClientError:
    """Build the refusal of one member of a request, with the code that the operation declares.

    Amazon ECR's own checks answer `InvalidParameterException`; the checks that AWS's web service framework makes
    answer `ValidationException` (`ValidationError` in the query services).
    """
    declared = {shape.name for shape in model.error_shapes}
    if "InvalidParameterException" in declared:
        text = f"Invalid parameter at '{place}' failed to satisfy constraint: '{constraint}'"
        return refusal(model.name, "InvalidParameterException", text)
    code = "ValidationError" if model.service_model.protocol == "query" else "ValidationException"
    text = f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"
    return refusal(model.name, code, text)
