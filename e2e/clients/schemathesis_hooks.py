"""Keeps the tester from taking their own rights away, after which there would be nothing to test."""

import os

import schemathesis

TESTER = "tester"
TOKEN = os.environ.get("ECOMAN_TESTER_TOKEN")


@schemathesis.hook
def before_call(context, case, kwargs):
    parameters = case.path_parameters or {}
    operation = (case.operation.method.upper(), case.operation.path)
    if operation in (("PUT", "/api/v1/users/{name}"), ("DELETE", "/api/v1/users/{name}")):
        if parameters.get("name") == TESTER:
            parameters["name"] = "nobody"
    elif operation == ("DELETE", "/api/v1/tokens/{id}") and parameters.get("id") == TOKEN:
        parameters["id"] = "00000000-0000-7000-8000-000000000000"
