// From imported advisories to findings.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { component, debian, openWorkbench, record, type Workbench } from "../database/workbench.fixture.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

describe("findings", () => {
  it("make one of what several publishers say of one CVE", async () => {
    await bench.records([
      record("GHSA-aaaa-bbbb-cccc", "PyPI", "jinja2", "3.1.3", {
        aliases: ["CVE-2024-22195"],
        severity: [{ type: "CVSS_V3", score: CRITICAL }],
        summary: "XSS\u001b[31m in Jinja",
      }),
      record("PYSEC-2024-1", "PyPI", "Jinja2", "3.1.4", { aliases: ["GHSA-aaaa-bbbb-cccc"] }),
    ]);
    const [finding, ...rest] = bench.database.match([component("pypi", "Jinja2", "3.1.2")]);
    expect(rest).toEqual([]);
    expect(finding).toEqual({
      id: "CVE-2024-22195",
      aliases: ["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"],
      purl: "pkg:pypi/Jinja2@3.1.2",
      locations: [],
      severity: "critical",
      score: 9.8,
      summary: "XSS [31m in Jinja",
      fixedIn: ["3.1.3", "3.1.4"],
      knownExploited: false,
      malicious: false,
      source: "osv",
      state: "affected",
    });
  });

  it("make one for each CVE of an advisory about several", async () => {
    const upstream = ["CVE-2024-1111", "CVE-2024-2222"];
    await bench.records([
      record("DSA-1-1", "Debian:12", "openssl", "3.0.15-1", { upstream }),
      record("DEBIAN-CVE-2024-1111", "Debian:12", "openssl", "3.0.15-1", { upstream: ["CVE-2024-1111"] }),
    ]);
    const found = bench.database.match([debian("libssl3", "3.0.11-1", "openssl")]);
    expect(found.map(({ id, aliases }) => [id, aliases])).toEqual([
      ["CVE-2024-1111", ["DEBIAN-CVE-2024-1111", "DSA-1-1"]],
      ["CVE-2024-2222", ["DSA-1-1"]],
    ]);
  });

  it("are none for a withdrawn advisory, nor for one that was withdrawn later", async () => {
    await bench.records([
      record("GHSA-a", "npm", "left", "2.0.0"),
      record("GHSA-b", "npm", "left", "2.0.0", { withdrawn: "2026-01-01T00:00:00Z" }),
    ]);
    const ids = () => bench.database.match([component("npm", "left", "1.0.0")]).map(({ id }) => id);
    expect(ids()).toEqual(["GHSA-a"]);
    await bench.records([
      record("GHSA-a", "npm", "left", "2.0.0", { modified: "2026-05-02T00:00:00Z", withdrawn: "2026-05-02T00:00:00Z" }),
    ]);
    expect(ids()).toEqual([]);
    // A dump from before brings it back no more.
    await bench.records([record("GHSA-a", "npm", "left", "2.0.0")]);
    expect(ids()).toEqual([]);
  });

  it("go by source package and release of a distribution, and by nothing else", async () => {
    await bench.records([
      record("CVE-2024-1", "Debian:12", "openssl", "3.0.15-1", { id: "CVE-2024-1000" }),
      record("CVE-2024-2", "Debian:11", "openssl", "9.9.9-1", { id: "CVE-2024-2000" }),
      record("GHSA-x", "PyPI", "openssl", "99.0"),
    ]);
    const ids = (...components: ReturnType<typeof debian>[]) => bench.database.match(components).map(({ id }) => id);
    expect(ids(debian("libssl3", "3.0.11-1", "openssl"))).toEqual(["CVE-2024-1000"]);
    expect(ids(debian("openssl", "3.0.15-1", "openssl"))).toEqual([]);
    expect(ids(debian("openssl", "1.0", "something-else"))).toEqual([]);
    expect(ids(debian("libssl3", "3.0.11-1", "openssl", { distribution: { id: "debian", version: "13" } }))).toEqual(
      [],
    );
  });

  it("compare as the distribution does", async () => {
    await bench.records([record("CVE-2024-1000", "Debian:12", "x", "1.0-1+deb12u2")]);
    const isFound = (version: string) => bench.database.match([debian("x", version, "x")]).length === 1;
    expect(["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1"].map(isFound)).toEqual([true, true, true]);
    expect(["1.0-1+deb12u2", "1.0-2", "1:0.1-1"].map(isFound)).toEqual([false, false, false]);
  });

  it("call what the distribution's changelog says is fixed, fixed", async () => {
    await bench.records([record("CVE-2024-1000", "Debian:12", "x", "2.0-1")]);
    const [finding] = bench.database.match([debian("x", "1.0-1", "x", { fixedVulnerabilities: ["CVE-2024-1000"] })]);
    expect(finding?.state).toBe("fixed");
  });

  it("ignore the local part of a Python version, which advisories never name", async () => {
    await bench.records([
      record("PYSEC-1", "PyPI", "torch", "2.6.0", {
        affected: [{ package: { ecosystem: "PyPI", name: "torch" }, versions: ["2.5.1"] }],
      }),
    ]);
    expect(bench.database.match([component("pypi", "torch", "2.5.1+cu118")])).toHaveLength(1);
  });

  it("match modular packages of the same stream only", async () => {
    const path = await bench.file("csaf.json", {
      document: {
        category: "csaf_security_advisory",
        tracking: { id: "RHSA-2024:1", current_release_date: "2026-01-01T00:00:00Z" },
      },
      product_tree: {
        branches: [
          {
            product: {
              product_id: "AppStream-9",
              product_identification_helper: { cpe: "cpe:/a:redhat:enterprise_linux:9::appstream" },
            },
          },
          {
            product: {
              product_id: "nodejs-1:18.20.0-1.module+el9.src",
              product_identification_helper: {
                purl: "pkg:rpm/redhat/nodejs@18.20.0-1.module%2Bel9?arch=src&epoch=1&rpmmod=nodejs:18:90:abc",
              },
            },
          },
        ],
        relationships: [
          {
            product_reference: "nodejs-1:18.20.0-1.module+el9.src",
            relates_to_product_reference: "AppStream-9",
            full_product_name: { product_id: "P" },
          },
        ],
      },
      vulnerabilities: [
        {
          cve: "CVE-2024-3000",
          product_status: { fixed: ["P"] },
          threats: [{ category: "impact", details: "Important" }],
        },
      ],
    });
    await bench.import(path);
    const node = (version: string, module: string) =>
      component("rpm", "nodejs", version, {
        namespace: "redhat",
        purl: `pkg:rpm/redhat/nodejs@${version}?rpmmod=${encodeURIComponent(module)}`,
        distribution: { id: "rhel", version: "9.4" },
      });
    const [finding] = bench.database.match([node("1:18.19.0-1.module+el9", "nodejs:18:1:a")]);
    expect(finding).toMatchObject({
      id: "CVE-2024-3000",
      aliases: ["RHSA-2024:1"],
      severity: "high",
      fixedIn: ["1:18.20.0-1.module+el9"],
    });
    expect(bench.database.match([node("1:16.1.0-1.module+el9", "nodejs:16:1:a")])).toEqual([]);
    expect(bench.database.match([node("1:18.20.0-1.module+el9", "nodejs:18:1:a")])).toEqual([]);
  });

  it("prefer Ubuntu's own release to its paid one, and know the paid one where it alone speaks", async () => {
    const affected = (ecosystem: string, fixed: string) => ({
      package: { ecosystem, name: "curl" },
      ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed }] }],
    });
    await bench.records([
      record("UBUNTU-CVE-2024-1111", "", "", "", {
        affected: [affected("Ubuntu:22.04:LTS", "2-1"), affected("Ubuntu:Pro:22.04:LTS", "3-1")],
        upstream: ["CVE-2024-1111"],
      }),
      record("UBUNTU-CVE-2024-2222", "", "", "", {
        affected: [affected("Ubuntu:Pro:22.04:LTS", "3-1")],
        upstream: ["CVE-2024-2222"],
        severity: [{ type: "Ubuntu", score: "low" }],
      }),
    ]);
    const curl = component("deb", "curl", "2-1", { distribution: { id: "ubuntu", version: "22.04" } });
    expect(bench.database.match([curl])).toMatchObject([{ id: "CVE-2024-2222", severity: "low", fixedIn: ["3-1"] }]);
  });

  it("say malicious, and do not make an ecosystem count as checked", async () => {
    await bench.records([
      record("MAL-2024-1", "npm", "evil", "", {
        affected: [{ package: { ecosystem: "npm", name: "evil" }, versions: ["1.0.0"] }],
        summary: "Malicious code in evil",
      }),
    ]);
    const examined = bench.database.examine([component("npm", "evil", "1.0.0"), component("npm", "fine", "1.0.0")]);
    expect(examined.findings).toMatchObject([{ id: "MAL-2024-1", malicious: true, severity: "unknown" }]);
    expect(examined).toMatchObject({ checked: 0, freshness: "not-checked" });
    expect(examined.unchecked.map(({ reason }) => reason)).toEqual(["no-data", "no-data"]);
  });

  it("take exploitation and its probability from KEV and EPSS", async () => {
    await bench.records([record("GHSA-a", "npm", "x", "2.0.0", { aliases: ["CVE-2024-1111"] })]);
    await bench.import(await bench.file("kev.csv", "cveID,vendorProject\nCVE-2024-1111,x\n"));
    await bench.import(
      await bench.file(
        "epss.csv",
        "#model_version:v1,score_date:2026-05-01T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1111,0.42,0.9\n",
      ),
    );
    expect(bench.database.match([component("npm", "x", "1.0.0")])).toMatchObject([
      { knownExploited: true, epss: 0.42 },
    ]);
  });

  it("borrow a score where a distribution gives no severity, and keep its word where it gives one", async () => {
    const unrated = record("DEBIAN-CVE-2024-1111", "Debian:12", "x", "2-1", { upstream: ["CVE-2024-1111"] });
    const rated = record("DEBIAN-CVE-2024-2222", "Debian:12", "x", "2-1", {
      upstream: ["CVE-2024-2222"],
      affected: [
        {
          package: { ecosystem: "Debian:12", name: "x" },
          ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "2-1" }] }],
          ecosystem_specific: { urgency: "low" },
        },
      ],
    });
    const scored = ["CVE-2024-1111", "CVE-2024-2222"].map((cve, at) =>
      record(`GHSA-${at}`, "npm", "other", "2.0.0", {
        aliases: [cve],
        severity: [{ type: "CVSS_V3", score: CRITICAL }],
      }),
    );
    await bench.records([unrated, rated, ...scored]);
    expect(bench.database.match([debian("x", "1-1", "x")])).toMatchObject([
      { id: "CVE-2024-1111", severity: "critical", score: 9.8 },
      { id: "CVE-2024-2222", severity: "low", score: 9.8 },
    ]);
  });
});

describe("components that nothing is known of", () => {
  it("are told with the reason, and never counted as checked", async () => {
    await bench.records([record("GHSA-a", "npm", "x", "2.0.0")]);
    const { unchecked, checked, freshness } = bench.database.examine([
      component("npm", "fine", "1.0.0"),
      component("generic", "thing", "1"),
      component("pypi", "thing", "1"),
      component("deb", "thing", "1"),
      component("deb", "thing", "1", { distribution: { id: "linuxmint", version: "21" } }),
      component("npm", "x", "latest"),
      component("npm", "nothing", ""),
    ]);
    expect(unchecked.map(({ reason }) => reason)).toEqual([
      "ecosystem-unsupported",
      "no-data",
      "distribution-unknown",
      "ecosystem-unsupported",
      "version-unknown",
      "version-unknown",
    ]);
    expect(checked).toBe(1);
    expect(freshness).toBe("stale");
  });

  it("stay unchecked when only a single record, or a partial import, speaks of their ecosystem", async () => {
    await bench.import(await bench.file("one.json", record("GHSA-a", "npm", "x", "2.0.0")));
    await bench.records([record("OURS-1", "PyPI", "y", "2.0")], { partial: true, source: "ours" });
    const examined = bench.database.examine([component("npm", "x", "1.0.0"), component("pypi", "y", "1.0")]);
    expect(examined.findings.map(({ id }) => id)).toEqual(["GHSA-a", "OURS-1"]);
    expect(examined.unchecked.map(({ reason }) => reason)).toEqual(["no-data", "no-data"]);
  });
});
