// What stands in an artifact's names reaches the terminal as text only.
import { expect, it } from "vitest";
import { columns, withoutControls } from "./terminal.ts";

it.each([
  ["moves the cursor", "a\u001b[2Kb"],
  ["hides what follows", "a\u001b[8mb"],
  ["sets the title", "a\u001b]0;x\u0007b"],
  ["goes back", "a\rb"],
  ["uses one byte for it", "a\u009b2Kb"],
  ["turns the reading direction", "a\u202eb"],
])("nothing in it %s", (_what, text) => {
  const hidden = [...withoutControls(text)].filter((one) => /[\p{Cc}\p{Cf}]/u.test(one));
  expect(hidden).toEqual([]);
  expect(withoutControls(text)).toContain("\ufffd");
});

it("keeps our own colours, line ends and tabs", () => {
  const text = "\u001b[31mred\u001b[39m\tand\n\u001b[1mstrong\u001b[22m";
  expect(withoutControls(text)).toBe(text);
});

it("goes on below the last column where it would be too wide", () => {
  const text = columns([["name", "one two three four five six"]], 28);
  expect(text.split("\n")).toEqual(["name  one two three four", "      five six"]);
  expect(columns([["name", "one two three four five six"]])).toBe("name  one two three four five six");
});
