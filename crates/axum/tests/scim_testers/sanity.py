"""Runs scim-sanity, strictly, against a SCIM service: sanity.py BASE, with the bearer token in SCIM_TOKEN."""

import json
import os
import subprocess
import sys

# What the tool reports although the RFC supports it: a part of the check's text, and the clause.
SUPPORTED_BY_THE_RFC = [
    # It adds the member "fake-member-id", which is no user: "members [...] 'value' containing the value of an 'id' attribute of a SCIM resource"
    # (RFC 7643, 4.2), and "a required value was missing, or the value specified was not compatible with the operation or attribute type"
    # is invalidValue (RFC 7644, table 9).
    ("PATCH /Groups/{id} add member: Expected 200, got 400", "RFC 7643, 4.2, and RFC 7644, table 9"),
]


def main() -> int:
    command = [sys.executable, "-m", "scim_sanity", "probe", sys.argv[1], "--token", os.environ["SCIM_TOKEN"]]
    probe = subprocess.run([*command, "--strict", "--json-output", "--i-accept-side-effects"], capture_output=True, text=True)
    try:
        report = json.loads(probe.stdout[probe.stdout.index("{"):])
    except ValueError:
        print(probe.stdout, probe.stderr)
        return 1
    wrong, passed = 0, 0
    for result in report["results"]:
        status, text = result["status"].lower(), f"{result.get('phase', '')}: {result['name']}: {result.get('message', '')}"
        passed += status == "pass"
        if status in ("pass", "skip"):
            continue
        clause = next((clause for part, clause in SUPPORTED_BY_THE_RFC if part in text), None)
        print(f"{status} (supported by {clause}): {text}" if clause else f"{status}: {text}")
        wrong += clause is None
    print(f"{passed} passed, {wrong} wrong")
    if passed < 20:
        print("the tool checked next to nothing")
        return 1
    return 1 if wrong else 0


sys.exit(main())
