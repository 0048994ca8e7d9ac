// The evaluation of the OSV schema.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AffectedVersions, RangeEvent } from "../database/advisory.ts";
import { versionOrderOf } from "../versions/order-of.ts";
import { JudgedVersion, judgeVersion } from "./in-ranges.ts";

function judge(family: string, versions: AffectedVersions, version: string) {
  const order = versionOrderOf(family);
  if (order === undefined) throw new Error(`no order for ${family}`);
  return judgeVersion(versions, new JudgedVersion(version, family, order));
}

function range(type: "SEMVER" | "ECOSYSTEM" | "GIT", ...events: RangeEvent[]): AffectedVersions {
  return { ranges: [{ type, events }] };
}

describe("a version in a range", () => {
  it("is affected from introduced, and no longer from fixed", () => {
    const versions = range("SEMVER", ["introduced", "1.0.0"], ["fixed", "1.2.3"]);
    expect(
      ["0.9.9", "1.0.0-rc.1", "1.0.0", "1.2.3-rc.1", "1.2.3"].map((one) => judge("npm", versions, one).isAffected),
    ).toEqual([false, false, true, true, false]);
  });

  it("is affected up to and with last_affected", () => {
    const versions = range("ECOSYSTEM", ["introduced", "0"], ["last_affected", "2.0"]);
    expect(["1", "2.0.0", "2.0.1"].map((one) => judge("PyPI", versions, one).isAffected)).toEqual([true, true, false]);
  });

  it("takes events in the order of versions, not as they are written", () => {
    const events: RangeEvent[] = [
      ["fixed", "2.1.0"],
      ["introduced", "2.0.0"],
      ["fixed", "1.5.0"],
      ["introduced", "0"],
    ];
    const found = ["1.0.0", "1.5.0", "2.0.5", "2.1.0"].map((one) => judge("npm", range("SEMVER", ...events), one));
    expect(found.map(({ isAffected }) => isAffected)).toEqual([true, false, true, false]);
    expect(found[0]?.fixes.toSorted()).toEqual(["1.5.0", "2.1.0"]);
  });

  it("is not affected past a limit", () => {
    const versions = range("ECOSYSTEM", ["introduced", "0"], ["limit", "3.0"]);
    expect(judge("PyPI", versions, "2.9").isAffected).toBe(true);
    expect(judge("PyPI", versions, "3.0").isAffected).toBe(false);
    expect(judge("PyPI", range("ECOSYSTEM", ["introduced", "0"], ["limit", "*"]), "99").isAffected).toBe(true);
  });

  it("is affected when it is listed, whatever the ranges say", () => {
    const versions = { ...range("ECOSYSTEM", ["introduced", "0"], ["fixed", "1.0"]), versions: ["1.5"] };
    expect(judge("PyPI", versions, "1.5").isAffected).toBe(true);
    expect(judge("PyPI", versions, "1.5.0").isAffected).toBe(true);
    expect(judge("PyPI", versions, "1.6").isAffected).toBe(false);
  });

  it("is affected when it is listed as it stands in the artifact", () => {
    const order = versionOrderOf("PyPI");
    if (order === undefined) throw new Error("no order");
    const version = new JudgedVersion("2013-01-21T20:33:09", "PyPI", order, "2013-01-21T20:33:09+0100");
    expect(judgeVersion({ versions: ["2013-01-21T20:33:09+0100"] }, version).isAffected).toBe(true);
  });

  it("says of commits only what is named", () => {
    const [introduced, fixed] = ["a".repeat(40), "b".repeat(40)];
    const versions = range("GIT", ["introduced", introduced], ["fixed", fixed]);
    expect(judge("GitHub Actions", versions, introduced).isAffected).toBe(true);
    expect(judge("GitHub Actions", versions, fixed)).toMatchObject({ isAffected: false, isUncertain: false });
    expect(judge("GitHub Actions", versions, "c".repeat(40)).isUncertain).toBe(true);
    expect(judge("GitHub Actions", versions, "1.0.0")).toMatchObject({ isAffected: false, isUncertain: false });
  });

  it("is uncertain where a bound or the version cannot be put in order", () => {
    const versions = range("ECOSYSTEM", ["introduced", "0"], ["fixed", "not a version"]);
    expect(judge("PyPI", versions, "1.0")).toMatchObject({ isAffected: false, isUncertain: true });
    expect(judge("PyPI", range("ECOSYSTEM", ["introduced", "0"], ["fixed", "2"]), "2004d")).toMatchObject({
      isUncertain: true,
    });
    expect(judge("PyPI", range("ECOSYSTEM", ["introduced", "0"]), "2004d").isAffected).toBe(true);
    expect(judge("PyPI", { versions: ["2004d"] }, "2004d").isAffected).toBe(true);
  });

  it("has as fix only what no range affects", () => {
    const versions: AffectedVersions = {
      ranges: [
        {
          type: "ECOSYSTEM",
          events: [
            ["introduced", "0"],
            ["fixed", "1.5"],
          ],
        },
        {
          type: "ECOSYSTEM",
          events: [
            ["introduced", "1.4"],
            ["fixed", "2.0"],
          ],
        },
      ],
    };
    expect(judge("PyPI", versions, "1.0").fixes).toEqual(["2.0"]);
  });

  it("is what a walk along all versions says", () => {
    const at = fc.nat(12).map((number) => `${number}.0.0`);
    const event = fc.tuple(fc.constantFrom("introduced", "fixed", "last_affected"), at) as fc.Arbitrary<RangeEvent>;
    fc.assert(
      fc.property(
        fc.uniqueArray(event, { maxLength: 6, selector: ([, version]) => version }),
        fc.nat(14),
        (events, point) => {
          let walked = false;
          for (let here = 0; here <= point; here += 1) {
            for (const [kind, version] of events) {
              const where = Number(version.split(".")[0]);
              if (kind === "introduced" && where === here) walked = true;
              if (kind === "fixed" && where === here) walked = false;
              if (kind === "last_affected" && where === here - 1)
                walked = events.some(([k, v]) => k === "introduced" && v === `${here}.0.0`);
            }
          }
          expect(judge("npm", range("SEMVER", ...events), `${point}.0.0`).isAffected).toBe(walked);
        },
      ),
    );
  });
});
