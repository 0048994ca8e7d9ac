import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ToolCallText, type SaidPart } from "./tool-call-text.ts";

function split(pieces: readonly string[], cut = false): SaidPart[] {
  const reader = new ToolCallText();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end(cut)];
}

/** Texts that follow each other are one text. */
function joined(parts: readonly SaidPart[]): SaidPart[] {
  const result: SaidPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (part.type === "text" && last?.type === "text")
      result[result.length - 1] = { type: "text", text: last.text + part.text };
    else result.push(part);
  }
  return result;
}

const CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>';
const PARSED = { type: "call", name: "get_weather", arguments: '{"city":"Oslo"}' };

describe("text of a model with calls in it", () => {
  it("gives a call alone, without the space around it", () => {
    expect(split([` ${CALL}\n`])).toEqual([PARSED]);
  });

  it("gives several calls and the text before them", () => {
    expect(split([`Let me see.\n${CALL}\n${CALL}`])).toEqual([{ type: "text", text: "Let me see." }, PARSED, PARSED]);
  });

  it("ends a call where its JSON ends, not where an argument quotes the tag", () => {
    const call = '<tool_call>{"name":"write","arguments":{"text":"a </tool_call> b"}}</tool_call>';
    expect(split([call])).toEqual([{ type: "call", name: "write", arguments: '{"text":"a </tool_call> b"}' }]);
  });

  it("accepts a call whose closing tag never comes", () => {
    expect(split([CALL.replace("</tool_call>", "")])).toEqual([PARSED]);
  });

  it("drops a call that a limit cut off", () => {
    expect(split(["fine <tool_call>{"], true)).toEqual([{ type: "text", text: "fine" }]);
  });

  it("hands malformed arguments over as they stand", () => {
    expect(split(['<tool_call>{"name": "x", "arguments": {"a": 1</tool_call>'])).toEqual([
      { type: "call", name: "x", arguments: '{"a": 1</tool_call>'.replace("</tool_call>", "") + "</tool_call>" },
    ]);
  });

  it("says when a call names nothing", () => {
    expect(split(["<tool_call>rubbish"])).toEqual([{ type: "unreadable" }]);
  });

  it("gives the same however the text is cut into pieces", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", " ", "\n", "<", "</", "tool_call>", CALL, '{"name":"b"}', "<tool_call>"),
    });
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (whole, cuts) => {
        const at = [...cuts.filter((cut) => cut < whole.length), 0, whole.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => whole.slice(at[index], end));
        expect(joined(split(pieces))).toEqual(joined(split([whole])));
      }),
    );
  });

  it("keeps the space between words that follow a call, and drops the space around the call", () => {
    const pieces = [`${CALL}\n`, "two", " ", "words"];
    expect(joined(split(pieces))).toEqual(joined(split([`${CALL}two words`])));
  });

  it("never lets markup become text", () => {
    const unit = fc.constantFrom("a", " ", "<", CALL, "</tool_call>", "<tool_call>", "{");
    fc.assert(
      fc.property(fc.array(unit), (pieces) => {
        const text = split(pieces)
          .map((part) => (part.type === "text" ? part.text : "|"))
          .join("");
        expect(text).not.toMatch(/<\/?tool_call>/);
      }),
    );
  });
});
