// The official `openai` package of npm against a server of diarist: called by check_clients.py, which counts the lines that it prints.
//
//     node check_clients.mjs FOLDER URL EXPECTED
//
// FOLDER is where `npm install openai` was run; EXPECTED is JSON: the models' names, and what `diarist sample` writes of them.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, url, expected] = process.argv.slice(2);
const OpenAI = createRequire(resolve(folder, "from-here.js"))("openai");
const { diary, pairs, prompt, question, seed, tokens, told, answered } = JSON.parse(expected);
const client = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });

function must(holds, what) {
  console.log((holds ? "ok    " : "FAILS ") + "npm: " + what);
}
async function refused(promise, kind, test, what) {
  try {
    await promise;
    must(false, what + ": was not refused");
  } catch (e) {
    must(e instanceof kind && test(e), `${what}: ${e.constructor.name} ${e.status} ${e.param} ${e.code} ${e.message}`);
  }
}

const names = [];
for await (const model of client.models.list()) names.push(model.id);
must(names.includes(diary) && (!pairs || names.includes(pairs)), "models.list " + names);
must((await client.models.retrieve(diary)).owned_by === "diarist", "models.retrieve");

const plain = { model: diary, prompt, seed, max_tokens: tokens };
const one = await client.completions.create(plain);
must(one.choices[0].text === told && one.choices[0].finish_reason === "length", "a completion is what sample writes");
must(one.usage.completion_tokens === tokens && one.usage.total_tokens === tokens + one.usage.prompt_tokens, "usage");
let text = "", usage = null, ends = [];
for await (const chunk of await client.completions.create({ ...plain, stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.text ?? "";
  if (chunk.choices[0]?.finish_reason) ends.push(chunk.choices[0].finish_reason);
  usage = chunk.usage ?? usage;
}
must(text === told && ends.join() === "length", "and the same streamed");
must(JSON.stringify(usage) === JSON.stringify(one.usage), "with the same usage at the end");
const three = await client.completions.create({ ...plain, n: 3 });
must(three.choices.length === 3 && three.choices[0].text === told && three.choices[1].text !== told, "n");
const likely = await client.completions.create({ ...plain, logprobs: 2 });
must(likely.choices[0].logprobs.tokens.join("") === told, "logprobs, whose tokens are the text");

const asked = { model: pairs ?? diary, messages: [{ role: "user", content: question }], seed, max_completion_tokens: tokens };
const talk = await client.chat.completions.create(asked);
const said = talk.choices[0].message;
must(said.role === "assistant" && (answered === null || said.content === answered), "an answer is what sample writes");
text = "";
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) text += chunk.choices[0]?.delta?.content ?? "";
must(text === said.content, "and the same streamed");
const runner = client.chat.completions.stream({ ...asked, stream: true, logprobs: true, top_logprobs: 2 });
let heard = "";
runner.on("content", (piece) => (heard += piece));
const final = await runner.finalChatCompletion();
must(heard === said.content && final.choices[0].message.content === said.content, "and by the stream helper");
must(final.choices[0].logprobs?.content?.every((t) => t.logprob <= 0 && t.top_logprobs.length === 2), "with logprobs");

const abort = new AbortController();
const long = await client.completions.create({ ...plain, max_tokens: 1000000, stream: true }, { signal: abort.signal });
let pieces = 0;
for await (const _ of long) if (++pieces === 3) break;
must(pieces === 3 && long.controller.signal.aborted, "a stream that is left ends");
must((await client.completions.create(plain)).choices[0].text === told, "and the next request is answered");

await refused(client.completions.create({ ...plain, model: "nobody" }), OpenAI.NotFoundError, (e) => e.param === "model" && e.code === "model_not_found", "a wrong model");
await refused(client.completions.create({ ...plain, temperature: 9 }), OpenAI.BadRequestError, (e) => e.param === "temperature", "a temperature of 9");
await refused(client.embeddings.create({ model: diary, input: "rain" }), OpenAI.NotFoundError, (e) => e.message.includes("--recall"), "embeddings");
