"""Fail when a test was skipped for a reason that is not on the list: ``skips.py REPORT.xml ALLOWED.txt``."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def main(report: Path, allowed: Path) -> int:
    """Name every skip whose reason begins with none of the lines of the list, and return 1 if there is one."""
    beginnings = [line for line in allowed.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    refused = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        for skip in case.iter("skipped"):
            reason = skip.get("message", "")
            if not any(reason.startswith(beginning) for beginning in beginnings):
                print(f"skipped, and not on {allowed}: {case.get('classname')}.{case.get('name')}: {reason}")
                refused += 1
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
