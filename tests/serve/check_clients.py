#!/usr/bin/env python3
"""Drives `diarist serve` with the clients that people have: the official `openai` packages of Python and of npm, and `llm` (PyPI), each
plain and streamed. The models are small runs: one of a diary, and beside it, if there is one, a run of `--pairs`.

    python -m venv CLIENTS && CLIENTS/bin/pip install openai llm && (mkdir NPM && cd NPM && npm install openai)
    CLIENTS/bin/python tests/serve/check_clients.py --diarist PROGRAM --models DIARY [PAIRS] --npm NPM
"""
import argparse, asyncio, json, math, os, pathlib, subprocess, sys, tempfile, time

import openai

from served import Served, finish, must, sampled

HERE = pathlib.Path(__file__).resolve().parent
PROMPT, QUESTION, SEED, TOKENS = "It rained today, ", "How was the day?", 7, 20
# More than anybody waits for: whoever leaves it alone has the server write for hours.
ENDLESS = 1_000_000


def refused(call, kind, what, **fields):
    """That a call is refused with this exception, and its message. A field that is given must be the error's."""
    try:
        call()
    except kind as e:
        wrong = {name: getattr(e, name) for name, value in fields.items() if getattr(e, name) != value}
        body = e.body if isinstance(e.body, dict) else {}
        must(not wrong and body.get("message") and body.get("type"), f"{what}: {body.get('message')}" + (f" {wrong}" if wrong else ""))
        return body.get("message") or ""
    except openai.APIError as e:
        must(False, f"{what}: {type(e).__name__} {e}")
    else:
        must(False, f"{what}: was not refused")
    return ""


def joined(stream, chat=False):
    """The texts of a stream by their index, why they ended, and the usage at its end."""
    texts, ends, usage = {}, {}, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            piece = choice.delta.content if chat else choice.text
            texts[choice.index] = texts.get(choice.index, "") + (piece or "")
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    return [text for _, text in sorted(texts.items())], [end for _, end in sorted(ends.items())], usage


def check_models(client, server, names):
    must([model.id for model in client.models.list()] == names, f"models.list: {', '.join(names)}")
    for name in names:
        model = client.models.retrieve(name)
        must(model.id == name and abs(model.created - time.time()) < 1e9 and model.diarist["context"] > 0, f"models.retrieve {name}: {model.diarist}")
    refused(lambda: client.models.retrieve("nobody"), openai.NotFoundError, "models.retrieve of a model that is not there", param="model", code="model_not_found")


def check_completions(client, diarist, path, name):
    how = dict(model=name, prompt=PROMPT, seed=SEED, max_tokens=TOKENS)
    expected = sampled(diarist, path, PROMPT, SEED, TOKENS, 3)
    one = client.completions.create(**how)
    must(one.object == "text_completion" and one.choices[0].text == expected[0], f"a seed gives what `diarist sample --seed` writes: {expected[0]!r}")
    must(client.completions.create(**how).choices[0].text == expected[0], "and again")
    must(client.completions.create(**{**how, "seed": SEED + 1}).choices[0].text != expected[0], "another seed, another text")
    unseeded = {client.completions.create(model=name, prompt=PROMPT, max_tokens=TOKENS).choices[0].text for _ in range(3)}
    must(len(unseeded) > 1, "without a seed, another each time")
    must(one.choices[0].finish_reason == "length" and one.usage.completion_tokens == TOKENS, "so many tokens and no more")
    must(one.usage.total_tokens == one.usage.prompt_tokens + TOKENS, f"usage {one.usage.prompt_tokens} + {one.usage.completion_tokens}")
    texts, ends, usage = joined(client.completions.create(**how, stream=True))
    must(texts == expected[:1] and ends == ["length"] and usage is None, "the same streamed, without usage where nobody asks for it")
    texts, _, usage = joined(client.completions.create(**how, stream=True, stream_options={"include_usage": True}))
    must(texts == expected[:1] and usage == one.usage, "and with the same usage where somebody does")

    three = client.completions.create(**how, n=3)
    must([choice.text for choice in three.choices] == expected, "n: three texts, those of `sample --num-samples 3`")
    must(three.usage.completion_tokens == 3 * TOKENS and three.usage.prompt_tokens == one.usage.prompt_tokens, "whose prompt is counted once")
    texts, ends, _ = joined(client.completions.create(**how, n=3, stream=True))
    must(texts == expected and ends == ["length"] * 3, "and the same streamed")
    best = client.completions.create(**how, n=1, best_of=3)
    must(best.choices[0].text in expected, "best_of gives one of them")
    several = client.completions.create(**{**how, "prompt": [PROMPT, "The sea "]}, n=2)
    must([choice.text for choice in several.choices][:2] == expected[:2] and len(several.choices) == 4, "two prompts, two texts each")
    ids = client.completions.create(**{**how, "prompt": list(PROMPT.encode())})
    must(ids.usage.prompt_tokens > 0, "a prompt of tokens")

    # A letter somewhere in the middle, and two across tokens.
    for stop in [expected[0][5], expected[0][6:9], ["\0", expected[0][8]]]:
        first = min(expected[0].find(s) for s in ([stop] if isinstance(stop, str) else stop) if s in expected[0])
        plain = client.completions.create(**how, stop=stop).choices[0]
        texts, ends, _ = joined(client.completions.create(**how, stop=stop, stream=True))
        must(plain.text == expected[0][:first] and plain.finish_reason == "stop", f"stop {stop!r}: {plain.text!r}")
        must(texts == [plain.text] and ends == ["stop"], "and the same streamed")
    greedy = [client.completions.create(**{**how, "seed": seed}, temperature=0).choices[0].text for seed in (1, 2)]
    must(greedy[0] == greedy[1], "a temperature of 0 is without chance")
    echo = client.completions.create(**how, echo=True).choices[0].text
    must(echo == PROMPT + expected[0], "echo gives the prompt too")


def check_logprobs(client, name):
    how = dict(model=name, prompt=PROMPT, seed=SEED, max_tokens=TOKENS)
    text = client.completions.create(**how).choices[0].text
    for top in (0, 3):
        likely = client.completions.create(**how, logprobs=top).choices[0].logprobs
        must("".join(likely.tokens) == text, f"logprobs={top}: the tokens are the text")
        must(all(p <= 0 for p in likely.token_logprobs) and len(likely.token_logprobs) == TOKENS, "each has a log-probability")
        must(all(text[at:].startswith(token) for at, token in zip(likely.text_offset, likely.tokens)), "and stands where its offset says")
        if top:
            must(all(top <= len(one) <= top + 1 and token in one for one, token in zip(likely.top_logprobs, likely.tokens)), "among the likeliest")
            must(all(sum(map(math.exp, one.values())) < 1.001 for one in likely.top_logprobs), "whose probabilities are no more than 1")
    stream = list(client.completions.create(**how, logprobs=3, stream=True))
    pieces = [choice.logprobs for chunk in stream for choice in chunk.choices if choice.logprobs]
    flat = lambda field: [item for piece in pieces for item in getattr(piece, field)]
    must(all(flat(field) == getattr(likely, field) for field in ("tokens", "token_logprobs", "text_offset", "top_logprobs")), "streamed, they are the same")
    greedy = client.completions.create(**how, temperature=0, logprobs=1).choices[0].logprobs
    must(all(max(top.values()) == own for top, own in zip(greedy.top_logprobs, greedy.token_logprobs)), "greedily, each is the likeliest")
    echoed = client.completions.create(**{**how, "max_tokens": 0}, echo=True, logprobs=0).choices[0]
    must(echoed.text == PROMPT and "".join(echoed.logprobs.tokens) == PROMPT and all(p is None or p <= 0 for p in echoed.logprobs.token_logprobs), "echo with max_tokens=0 weighs the prompt")


def check_chat(client, diarist, path, name, is_pairs):
    how = dict(model=name, messages=[{"role": "user", "content": QUESTION}], seed=SEED, max_completion_tokens=TOKENS)
    one = client.chat.completions.create(**how)
    message = one.choices[0].message
    must(one.object == "chat.completion" and message.role == "assistant" and message.content, f"{name} answers: {message.content!r}")
    if is_pairs:
        must(message.content == sampled(diarist, path, QUESTION, SEED, TOKENS)[0], "as `diarist sample --seed` does")
    must(client.chat.completions.create(**how).choices[0].message.content == message.content, "and again")
    older = {key: value for key, value in how.items() if key != "max_completion_tokens"}
    must(client.chat.completions.create(**older, max_tokens=TOKENS).choices[0].message.content == message.content, "max_tokens is understood too")
    texts, ends, usage = joined(client.chat.completions.create(**how, stream=True, stream_options={"include_usage": True}), chat=True)
    must(texts == [message.content] and ends == [one.choices[0].finish_reason] and usage == one.usage, "the same streamed, with usage")
    two = client.chat.completions.create(**how, n=2)
    must(two.choices[0].message.content == message.content and two.choices[1].index == 1, "n=2")
    texts, _, _ = joined(client.chat.completions.create(**how, n=2, stream=True), chat=True)
    must(texts == [choice.message.content for choice in two.choices], "and the same streamed")
    letter = message.content[len(message.content) // 2]
    stopped = client.chat.completions.create(**how, stop=[letter]).choices[0]
    must(stopped.message.content == message.content.split(letter)[0] and stopped.finish_reason == "stop", f"stop {letter!r}")
    # (The helper takes a text that ends by its length for an error.)
    with client.chat.completions.stream(**how, stop=[letter]) as stream:
        helped = "".join(event.delta for event in stream if event.type == "content.delta")
        must(helped == stream.get_final_completion().choices[0].message.content == stopped.message.content, "and by the stream helper")
    likely = client.chat.completions.create(**how, logprobs=True, top_logprobs=4).choices[0]
    whole = b"".join(bytes(token.bytes) for token in likely.logprobs.content).decode(errors="replace")
    must(whole == likely.message.content == message.content, "logprobs: the tokens' bytes are the text")
    must(all(token.logprob <= 0 and len(token.top_logprobs) == 4 for token in likely.logprobs.content), "with four of the likeliest each")
    chunks = client.chat.completions.create(**how, logprobs=True, top_logprobs=4, stream=True)
    streamed = [token for chunk in chunks for choice in chunk.choices if choice.logprobs for token in choice.logprobs.content]
    must(streamed == likely.logprobs.content, "streamed, they are the same")
    parts = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
    must(client.chat.completions.create(**{**how, "messages": parts}).choices[0].message.content == message.content, "a message in parts")
    turns = [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "No."}, {"role": "user", "content": "Why?"}]
    must(client.chat.completions.create(**{**how, "messages": turns}).usage.prompt_tokens > 0, "a conversation of turns")


def check_refused(client, server, name, context):
    how = dict(model=name, prompt=PROMPT, max_tokens=4)
    talk = dict(model=name, messages=[{"role": "user", "content": QUESTION}], max_tokens=4)
    bad, missing = openai.BadRequestError, openai.NotFoundError
    message = refused(lambda: client.completions.create(**{**how, "model": "nobody"}), missing, "a wrong model", param="model", code="model_not_found")
    must(name in message, "which names those that are there")
    refused(lambda: client.chat.completions.create(**{**talk, "model": "nobody"}), missing, "and in a chat", param="model", code="model_not_found")
    for field, value in [("temperature", 9), ("temperature", "warm"), ("top_p", -1), ("n", 0), ("max_tokens", -2), ("logprobs", 6), ("stop", 5), ("seed", "x"), ("frequency_penalty", 3), ("logit_bias", {"5": 101}), ("suffix", "end"), ("best_of", 500)]:
        refused(lambda: client.completions.create(**{**how, field: value}), bad, f"{field}={value!r}", param=field)
    refused(lambda: client.completions.create(**{**how, "prompt": [10_000_000]}), bad, "a token that the model lacks", param="prompt")
    refused(lambda: client.completions.create(**how, stream_options={"include_usage": True}), bad, "stream_options without a stream", param="stream_options")
    refused(lambda: client.completions.create(**how, best_of=2, stream=True), bad, "best_of with a stream", param="best_of")
    for field, value in [("messages", []), ("top_logprobs", 3), ("response_format", {"type": "json_object"}), ("tools", [{"type": "function", "function": {"name": "f"}}])]:
        refused(lambda: client.chat.completions.create(**{**talk, field: value}), bad, f"{field}={value!r}", param=field)
    refused(lambda: client.chat.completions.create(**{**talk, "messages": [{"role": "king", "content": "?"}]}), bad, "an odd role", param="messages[0].role")
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
    refused(lambda: client.chat.completions.create(**{**talk, "messages": picture}), bad, "a picture")
    long = [{"role": "user", "content": "So long a question! " * context}]
    refused(lambda: client.chat.completions.create(**{**talk, "messages": long}), bad, "too many tokens", param="messages", code="context_length_exceeded")
    refused(lambda: list(client.chat.completions.create(**{**talk, "messages": long}, stream=True)), bad, "and streamed, before the stream begins", code="context_length_exceeded")
    message = refused(lambda: client.embeddings.create(model=name, input="rain"), missing, "embeddings, without --recall")
    must("--recall" in message, "which says how to have them")
    refused(lambda: client.completions.create(**how, extra_body={"recall": True}), bad, "recall, without --recall", param="recall")
    refused(lambda: client.responses.create(model=name, input="?"), missing, "an endpoint that is not there")
    must(client.completions.create(**how).choices[0].text, "and after all of these it writes")


async def check_cancelled(url, name, server):
    """Streams and whole answers that nobody waits for any more make way: the places are all taken before, and free afterwards."""
    client = openai.AsyncOpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
    how = dict(model=name, prompt=PROMPT, max_tokens=ENDLESS)
    for kind in ("closed streams", "cancelled streams", "cancelled whole answers"):
        if kind == "cancelled whole answers":
            tasks = [asyncio.ensure_future(client.completions.create(**how)) for _ in range(4)]
            await asyncio.sleep(0.5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        else:
            streams = [await client.completions.create(**how, stream=True) for _ in range(4)]
            for stream in streams:
                async for _ in stream:
                    break
            if kind == "closed streams":
                for stream in streams:
                    await stream.close()
            else:
                async def drain(stream):
                    async for _ in stream:
                        pass
                tasks = [asyncio.ensure_future(drain(stream)) for stream in streams]
                await asyncio.sleep(0.3)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for stream in streams:
                    await stream.close()
        began = time.monotonic()
        try:
            answer = await client.completions.create(model=name, prompt=PROMPT, max_tokens=4, timeout=20)
            took = time.monotonic() - began
            must(answer.choices[0].text and took < 10, f"{kind} make way: the next is answered after {took:.2f} s")
        except openai.APITimeoutError:
            must(False, f"{kind} make way: the next was not answered within 20 s")
    several = await asyncio.gather(*(client.completions.create(model=name, prompt=PROMPT, seed=seed, max_tokens=TOKENS) for seed in range(12)))
    alone = [(await client.completions.create(model=name, prompt=PROMPT, seed=seed, max_tokens=TOKENS)).choices[0].text for seed in range(12)]
    must([answer.choices[0].text for answer in several] == alone, "twelve at once are what each is alone")
    await client.close()


def check_token(diarist, path, name):
    with Served(diarist, path, more=["--token", "s3cret"]) as server:
        at = dict(base_url=server.url + "/v1", max_retries=0)
        must(openai.OpenAI(**at, api_key="s3cret").models.list().data[0].id == name, "the token is the API key")
        refused(lambda: openai.OpenAI(**at, api_key="wrong").models.list(), openai.AuthenticationError, "another is refused", code="invalid_api_key")


def check_llm(diarist, url, models, home):
    """`llm`, told of the models as its documentation has it ("OpenAI-compatible models")."""
    lines = []
    for name, path, is_pairs in models:
        lines += [f"- model_id: {name}-talk", f"  model_name: {name}", f'  api_base: "{url}/v1"']
        lines += [f"- model_id: {name}-text", f"  model_name: {name}", f'  api_base: "{url}/v1"', "  completion: true"]
    (home / "extra-openai-models.yaml").write_text("\n".join(lines) + "\n")
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"} | {"LLM_USER_PATH": str(home)}

    def llm(*words):
        done = subprocess.run([sys.executable, "-m", "llm", *words], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.removesuffix("\n"), done.stderr

    how = ["-o", "seed", str(SEED), "-o", "max_tokens", str(TOKENS)]
    must(all(f"{name}-talk" in llm("models")[1] for name, _, _ in models), "llm: models")
    for name, path, is_pairs in models:
        expected = sampled(diarist, path, PROMPT, SEED, TOKENS)[0] if not is_pairs else None
        streamed = llm("-m", f"{name}-text", PROMPT, *how)
        plain = llm("-m", f"{name}-text", PROMPT, *how, "--no-stream")
        must(streamed[0] == plain[0] == 0 and streamed[1] == plain[1] != "", f"llm: {name} goes on with a text, plain and streamed: {plain[1]!r}{plain[2][-300:]}{streamed[2][-300:]}")
        if expected is not None:
            must(plain[1] == expected.removesuffix("\n"), "llm: as `diarist sample --seed` does")
        streamed = llm("-m", f"{name}-talk", QUESTION, *how, "-u")
        plain = llm("-m", f"{name}-talk", QUESTION, *how, "--no-stream", "-u")
        must(streamed[0] == plain[0] == 0 and streamed[1] == plain[1] != "", f"llm: {name} answers, plain and streamed: {plain[1]!r}{streamed[2][-300:]}")
        must("output" in plain[2] and plain[2].split() == streamed[2].split(), f"llm: with usage: {plain[2].strip()}")
        if is_pairs:
            must(plain[1] == sampled(diarist, path, QUESTION, SEED, TOKENS)[0].removesuffix("\n"), "llm: as `diarist sample --seed` does")
        must(llm("-c", "Why?", *how)[0] == 0, "llm: a conversation goes on")
        asynchronous = llm("-m", f"{name}-talk", QUESTION, *how, "--async")
        must(asynchronous[:2] == plain[:2], "llm: --async")
        status, _, error = llm("-m", f"{name}-talk", QUESTION, "-o", "temperature", "2", "-o", "max_tokens", "0")
        must(status and "max_tokens" in error and "Traceback" not in error, f"llm: an error is shown: {error.strip()[-200:]}")


def check_npm(folder, url, expected):
    done = subprocess.run(["node", HERE / "check_clients.mjs", folder, url, json.dumps(expected)], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        must(line.startswith("ok    "), line[6:])
    must(done.returncode == 0 and len(done.stdout.splitlines()) > 10, "npm: all of it ran" + done.stderr[-800:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--diarist", required=True)
    parser.add_argument("--models", required=True, nargs="+", type=pathlib.Path, help="a run of a diary, and one of pairs")
    parser.add_argument("--npm", type=pathlib.Path, help="where `npm install openai` was run; without it that package is left out")
    args = parser.parse_args()
    names = [path.resolve().name for path in args.models]
    with Served(args.diarist, *args.models, more=["--streams", "4"]) as server, tempfile.TemporaryDirectory() as home:
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
        listed = {model.id: model.diarist for model in client.models.list()}
        models = [(name, path, listed[name]["form"] == "pairs") for name, path in zip(names, args.models)]
        name, path, _ = models[0]
        check_models(client, server, names)
        check_completions(client, args.diarist, path, name)
        check_logprobs(client, name)
        for one, where, is_pairs in models:
            check_chat(client, args.diarist, where, one, is_pairs)
        check_refused(client, server, models[-1][0], listed[models[-1][0]]["context"])
        asyncio.run(check_cancelled(server.url, name, server))
        check_llm(args.diarist, server.url, models, pathlib.Path(home))
        if args.npm:
            pairs = next((model for model in models if model[2]), None)
            check_npm(args.npm, server.url, {
                "diary": name, "pairs": pairs and pairs[0], "prompt": PROMPT, "question": QUESTION, "seed": SEED, "tokens": TOKENS,
                "told": sampled(args.diarist, path, PROMPT, SEED, TOKENS)[0],
                "answered": pairs and sampled(args.diarist, pairs[1], QUESTION, SEED, TOKENS)[0],
            })
        status, health = server.ask("/health")
        must(status == 200 and health["status"] == "ok", f"/health at the end: {health}")
        must(server.end() == 0, "Ctrl-C ends it with 0")
    check_token(args.diarist, path, name)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
