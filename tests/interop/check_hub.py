"""hub_check.py among the other checks: `diarist fetch` and huggingface_hub share one cache."""

import os
import subprocess
import sys

from common import DIARIST, HERE, case, finish, say

with case("huggingface_hub"):
    online = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}  # to its own server
    done = subprocess.run([sys.executable, HERE / "hub_check.py", DIARIST], capture_output=True, text=True, env=online)
    for line in done.stdout.splitlines():
        say(not line.startswith("differs"), f"huggingface_hub: {line}")
    if done.returncode:
        say(False, "huggingface_hub", (done.stderr.splitlines() or ["nothing said"])[-1])
finish()
