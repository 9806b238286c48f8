"""Runs scim2-tester against a SCIM service: tester.py BASE, with the bearer token in SCIM_TOKEN."""

import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server


# What the tester reports although the RFC supports it: a part of the check's text, and the clause.
SUPPORTED_BY_THE_RFC = []


def main() -> int:
    client = Client(base_url=sys.argv[1], headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"})
    results = check_server(SyncSCIMClient(client))
    counts, wrong = {}, 0
    for result in results:
        counts[result.status.name] = counts.get(result.status.name, 0) + 1
        if result.status in (Status.SUCCESS, Status.SKIPPED):
            continue
        text = f"{result.title}: {result.reason}"
        clause = next((clause for part, clause in SUPPORTED_BY_THE_RFC if part in text), None)
        if clause:
            print(f"{result.status.name} (supported by {clause}): {text}")
            continue
        print(f"{result.status.name}: {text}")
        wrong += result.status in (Status.ERROR, Status.CRITICAL)
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    if counts.get("SUCCESS", 0) < 20:
        print("the tester checked next to nothing")
        return 1
    return 1 if wrong else 0


sys.exit(main())
