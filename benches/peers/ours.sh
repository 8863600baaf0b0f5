#!/usr/bin/env bash
# Our side of alternate.py: a whole `diarist train` run on the CPU from a GPT-2 folder, loading and saving included;
# prints each step's tokens/s after the first two as JSON lines.
#
#   ours.sh GPT2_DIR JOURNAL [BATCH CONTEXT STEPS THREADS]
set -euo pipefail
gpt2=$1 journal=$2 batch=${3:-1} context=${4:-256} steps=${5:-7} threads=${6:-2}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
exec 3>&1
"$(dirname "$0")/../../target/release/diarist" train "$journal" --from "$gpt2" --device cpu --threads "$threads" \
    --batch "$batch" --accumulate 1 --context "$context" --steps "$steps" --dropout 0 --val-fraction 0 \
    --out "$out/run" >/dev/null 2>&1
python3 - "$out/run/log.jsonl" "$((batch * context))" >&3 <<'PY'
import json, sys
steps = [json.loads(line) for line in open(sys.argv[1])]
for step in steps[2:]:
    if "loss" in step:
        print(json.dumps({"tokens_per_second": int(sys.argv[2]) / step["seconds"]}))
PY
