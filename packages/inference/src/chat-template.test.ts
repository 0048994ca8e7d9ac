import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CHATML_TEMPLATE, chatTemplate } from "./chat-template.ts";

const tokens = { bos: "<s>", eos: "</s>" };
const call = (text: string) => ({
  role: "assistant",
  content: "",
  tool_calls: [{ id: "1", type: "function", function: { name: "write_note", arguments: text } }],
});

describe("a chat template", () => {
  it("renders the voyage's dialogue byte for byte as the model was trained on it", async () => {
    const path = fileURLToPath(new URL("../../../examples/voyage/model/voyage.jinja", import.meta.url));
    const render = chatTemplate(await readFile(path, "utf8"), tokens);
    const messages = [
      { role: "system", content: "Be." },
      { role: "user", content: 'a "b" é' },
      call('{"name":"log","text":"Oslo: rain, 7 C"}'),
      { role: "tool", content: "ok" },
    ];
    expect(render(messages, [])).toBe(
      '<|system|>Be.<|end|><|user|>a "b" é<|end|><|assistant|><tool_call>\n' +
        '{"name": "write_note", "arguments": {"name": "log", "text": "Oslo: rain, 7 C"}}\n' +
        "</tool_call><|end|><|tool|>ok<|end|><|assistant|>",
    );
  });

  it("gets the arguments as text where it wants text", () => {
    const render = chatTemplate("{{ messages[0].tool_calls[0].function.arguments.strip() }}", tokens);
    expect(render([call(' {"a": 1} ')], [])).toBe('{"a": 1}');
  });

  it("sees tools only when there are some, and the special tokens", () => {
    const render = chatTemplate("{{ bos_token }}{% if tools %}{{ tools | length }}{% endif %}", tokens);
    expect(render([], [])).toBe("<s>");
    expect(render([], [{}, {}])).toBe("<s>2");
  });

  it("is ChatML for a model without one", () => {
    const render = chatTemplate(CHATML_TEMPLATE, tokens);
    expect(render([{ role: "user", content: "hi" }], [])).toBe(
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    );
  });
});
