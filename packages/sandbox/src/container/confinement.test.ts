// What a container says of itself.
import { describe, expect, it } from "vitest";
import { readConfinement } from "./confinement.ts";

const said = (changes: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    Uid: "65532\t65532\t65532\t65532",
    CapBnd: "0000000000000000",
    CapEff: "0000000000000000",
    NoNewPrivs: "1",
    Seccomp: "2",
    UidMap: "         0          0 4294967295",
    Away: "-101",
    Host: "1",
    ...changes,
  })
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join("");

describe("a container's confinement", () => {
  it("is read", () => {
    expect(readConfinement(said())).toEqual({ hasUserNamespace: false, hasGuestFiles: true });
    const other = said({ UidMap: "0 1879048192 65536", Host: "-1" });
    expect(readConfinement(other)).toEqual({ hasUserNamespace: true, hasGuestFiles: false });
  });

  it.each([
    ["Seccomp", "0"],
    ["NoNewPrivs", "0"],
    ["CapEff", "0000000000000001"],
    ["CapBnd", "000001ffffffffff"],
    ["Uid", "0 0 0 0"],
    ["Uid", ""],
    ["Away", "0"],
    ["Away", ""],
  ])("is not enough with %s %j", (name, value) => {
    expect(() => readConfinement(said({ [name]: value }))).toThrow(
      expect.objectContaining({ code: "engine.unusable" }),
    );
  });
});
