#!/usr/bin/env python3
"""Times transformers' `generate` on GPT-2 124M: greedy, with its key/value cache, in fp32, one sequence.

The peer of `diarist bench decode`: weights are random, the position is about 128, and what a prompt takes is not in the
figure: it is the time of a long continuation less that of a short one. Prints a line of JSON a round.
"""

import argparse
import json
import time

import torch
import transformers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--position", type=int, default=128, help="in the middle of what is timed")
    parser.add_argument("--tokens", type=int, default=64, help="that are timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config()).to(getattr(torch, args.dtype)).eval()
    prompt = torch.randint(50257, (1, args.position - args.tokens // 2))

    def seconds(tokens):
        begun = time.perf_counter()
        with torch.inference_mode():
            out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=tokens,
                                 min_new_tokens=tokens, do_sample=False, use_cache=True, pad_token_id=0)
        assert out.shape[1] == prompt.shape[1] + tokens
        return time.perf_counter() - begun

    seconds(8)
    for _ in range(args.rounds):
        few, many = seconds(1), seconds(1 + args.tokens)
        print(json.dumps({"peer": f"transformers {transformers.__version__}, torch {torch.__version__}",
                          "dtype": args.dtype, "tokens_per_second": args.tokens / (many - few)}), flush=True)


if __name__ == "__main__":
    main()
