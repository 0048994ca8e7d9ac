// Nobody who does not say who he is fills the log; nobody is shut out for long.
import { manualClock } from "@pratique/core";
import { expect, it } from "vitest";
import { AnonymousPace } from "./anonymous-pace.ts";

const codeOf = (act: () => void): string => {
  try {
    act();
    return "";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "?";
  }
};

it("lets a burst through, then so many a second, each address by itself", () => {
  const clock = manualClock(new Date("2026-01-01T00:00:00Z"));
  const pace = new AnonymousPace(clock);
  const taken = (address: string): number => {
    let count = 0;
    while (codeOf(() => pace.take(address)) === "") count += 1;
    return count;
  };
  expect(taken("a")).toBe(200);
  expect(codeOf(() => pace.take("a"))).toBe("sigstore.too-many");
  expect(taken("b")).toBe(200);
  clock.advance(1000);
  expect(taken("a")).toBe(20);
  clock.advance(3_600_000);
  expect(taken("a")).toBe(200);
});
