// The official clients against the router, with only the base URL and the key changed. `node --test`; from ClientsInNodeTest.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { ROUTER_URL, ROUTER_KEY } = process.env;
const openai = new OpenAI({ baseURL: `${ROUTER_URL}/v1`, apiKey: ROUTER_KEY, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: ROUTER_URL, apiKey: ROUTER_KEY, maxRetries: 0 });

const MODELS = ["claude/c-1", "pool/m-1"]; // a provider of each shape
const PIXEL = "iVBORw0KGgo=";
const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

for (const model of MODELS) {
  test(`openai, ${model}: whole`, async () => {
    const { data, response } = await openai.chat.completions
      .create({ model, messages: [{ role: "system", content: "Be kind." }, { role: "user", content: "How are you?" }] })
      .withResponse();
    assert.equal(data.choices[0].message.content, "Fine, thanks.");
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.deepEqual([data.usage.prompt_tokens, data.usage.completion_tokens], [100, 20]);
    assert.equal(data.usage.prompt_tokens_details.cached_tokens, 40);
    assert.equal(data.usage.completion_tokens_details.reasoning_tokens, 5);
    assert.equal(data._request_id, response.headers.get("x-request-id"));
    assert.equal(data.agentserver.receipt, response.headers.get("x-agentserver-receipt"));
  });

  test(`openai, ${model}: streamed, with usage`, async () => {
    const stream = openai.chat.completions.stream({
      model,
      messages: [{ role: "user", content: "How are you?" }],
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0].message.content, "Fine, thanks.");
    assert.equal(final.usage.total_tokens, 120);
  });

  test(`openai, ${model}: a tool, whole and streamed`, async () => {
    const tools = [{ type: "function", function: { name: "get_weather", parameters: CITY } }];
    const messages = [{ role: "user", content: "What is the weather?" }];
    const asked = await openai.chat.completions.create({ model, tools, messages });
    const call = asked.choices[0].message.tool_calls[0];
    assert.equal(asked.choices[0].finish_reason, "tool_calls");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris" });
    const streamed = await openai.chat.completions.stream({ model, tools, messages }).finalChatCompletion();
    assert.deepEqual(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
    messages.push(asked.choices[0].message, { role: "tool", tool_call_id: call.id, content: "sunny" });
    const said = await openai.chat.completions.create({ model, tools, messages });
    assert.equal(said.choices[0].message.content, "It is sunny.");
  });

  test(`openai, ${model}: pictures`, async () => {
    const said = await openai.chat.completions.create({
      model,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Which picture?" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
            { type: "image_url", image_url: { url: "https://example.org/a.png" } },
          ],
        },
      ],
    });
    assert.equal(said.choices[0].message.content, `I see data:image/png;base64,${PIXEL} https://example.org/a.png`);
  });

  test(`openai, ${model}: a broken stream is an error`, async () => {
    const stream = await openai.chat.completions.create({
      model,
      stream: true,
      messages: [{ role: "user", content: "Please break." }],
    });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.ok(chunk);
    });
  });

  test(`anthropic, ${model}: whole`, async () => {
    const { data, response } = await anthropic.messages
      .create({ model, max_tokens: 100, system: "Be kind.", messages: [{ role: "user", content: "How are you?" }] })
      .withResponse();
    assert.deepEqual(data.content, [{ type: "text", text: "Fine, thanks." }]);
    assert.equal(data.type, "message");
    assert.equal(data.stop_reason, "end_turn");
    const { input_tokens, cache_creation_input_tokens: written, cache_read_input_tokens: read } = data.usage;
    assert.equal(input_tokens + written + read, 100);
    assert.equal(read, 40);
    assert.equal(data.usage.output_tokens, 20);
    assert.equal(data._request_id, response.headers.get("request-id"));
    assert.equal(data.agentserver.receipt, response.headers.get("x-agentserver-receipt"));
  });

  test(`anthropic, ${model}: streamed`, async () => {
    const stream = anthropic.messages.stream({
      model,
      max_tokens: 100,
      messages: [{ role: "user", content: "How are you?" }],
    });
    const words = [];
    stream.on("text", (word) => words.push(word));
    const final = await stream.finalMessage();
    assert.deepEqual(words, ["Fine", ", thanks."]);
    assert.equal(final.content[0].text, "Fine, thanks.");
    assert.equal(final.stop_reason, "end_turn");
    assert.equal(final.usage.output_tokens, 20);
    assert.equal(final.usage.cache_read_input_tokens, 40);
  });

  test(`anthropic, ${model}: a tool, whole and streamed`, async () => {
    const tools = [{ name: "get_weather", input_schema: CITY }];
    const messages = [{ role: "user", content: "What is the weather?" }];
    const asked = await anthropic.messages.create({ model, max_tokens: 100, tools, messages });
    const call = asked.content.find((block) => block.type === "tool_use");
    assert.equal(asked.stop_reason, "tool_use");
    assert.deepEqual(call.input, { city: "Paris" });
    const streamed = await anthropic.messages.stream({ model, max_tokens: 100, tools, messages }).finalMessage();
    assert.deepEqual(streamed.content, asked.content);
    messages.push(
      { role: "assistant", content: asked.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] },
    );
    const said = await anthropic.messages.create({ model, max_tokens: 100, tools, messages });
    assert.equal(said.content[0].text, "It is sunny.");
  });

  test(`anthropic, ${model}: pictures`, async () => {
    const said = await anthropic.messages.create({
      model,
      max_tokens: 100,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Which picture?" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } },
            { type: "image", source: { type: "url", url: "https://example.org/a.png" } },
          ],
        },
      ],
    });
    assert.equal(said.content[0].text, `I see data:image/png;base64,${PIXEL} https://example.org/a.png`);
  });

  test(`anthropic, ${model}: thinking, and what was thought comes back`, async () => {
    const ask = { model, max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1024 } };
    const messages = [{ role: "user", content: "Please think." }];
    const said = await anthropic.messages.create({ ...ask, messages });
    assert.deepEqual(
      said.content.map((block) => block.thinking ?? block.text),
      ["Hm.", "Thought."],
    );
    const streamed = await anthropic.messages.stream({ ...ask, messages }).finalMessage();
    assert.deepEqual(streamed.content, said.content);
    messages.push({ role: "assistant", content: said.content }, { role: "user", content: "How are you?" });
    for (const other of MODELS) {
      const next = await anthropic.messages.create({ ...ask, model: other, messages });
      assert.equal(next.content[0].text, "Fine, thanks.");
    }
  });

  test(`anthropic, ${model}: a broken stream is an error`, async () => {
    const stream = anthropic.messages.stream({
      model,
      max_tokens: 100,
      messages: [{ role: "user", content: "Please break." }],
    });
    await assert.rejects(stream.finalMessage());
  });
}

test("openai: embeddings, models and errors", async () => {
  const one = await openai.embeddings.create({ model: "pool/e-1", input: "Hello" }); // asks for base64 and unpacks it
  assert.deepEqual(Array.from(one.data[0].embedding), [0.5, -0.25]);
  const two = await openai.embeddings.create({ model: "pool/e-1", input: ["a", "b"], encoding_format: "float" });
  assert.deepEqual(two.data.map((vector) => vector.index), [0, 1]);
  assert.equal(two.usage.prompt_tokens, 8);
  const names = [];
  for await (const model of openai.models.list()) names.push(model.id);
  assert.ok(names.includes("default") && names.includes("claude/c-1"));
  assert.equal((await openai.models.retrieve("claude/c-1")).id, "claude/c-1");
  const messages = [{ role: "user", content: "How are you?" }];
  await assert.rejects(openai.chat.completions.create({ model: "nobody", messages }), OpenAI.NotFoundError);
  await assert.rejects(openai.chat.completions.create({ model: "default", messages: [] }), OpenAI.BadRequestError);
  await assert.rejects(openai.withOptions({ apiKey: "wrong" }).models.list(), OpenAI.AuthenticationError);
});

test("anthropic: models and errors", async () => {
  const names = [];
  for await (const model of anthropic.models.list()) names.push(model.id);
  assert.ok(names.includes("default") && names.includes("claude/c-1"));
  assert.equal((await anthropic.models.retrieve("claude/c-1")).id, "claude/c-1");
  const ask = { model: "default", max_tokens: 100, messages: [{ role: "user", content: "How are you?" }] };
  await assert.rejects(
    anthropic.messages.create({ ...ask, model: "nobody" }),
    (error) => error instanceof Anthropic.NotFoundError && error.error.error.type === "not_found_error",
  );
  await assert.rejects(anthropic.messages.create({ ...ask, messages: [] }), Anthropic.BadRequestError);
  await assert.rejects(anthropic.withOptions({ apiKey: "wrong" }).messages.create(ask), Anthropic.AuthenticationError);
});
