// Which identities match, and which configurations are refused before they could match too much.
import { expect, it } from "vitest";
import { checkIdentity, matchIdentity, type TrustedIdentity } from "./trusted-identity.ts";

const ISSUER = "https://token.actions.githubusercontent.com";
const SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
const identity = (more: Partial<TrustedIdentity>): TrustedIdentity => ({ name: "release", issuer: ISSUER, ...more });
const match = (one: TrustedIdentity, subject = SUBJECT, issuer = ISSUER) =>
  matchIdentity([one], { issuer, subject, root: "public" });

it("matches a subject exactly, or by a pattern of the whole", () => {
  expect(match(identity({ subject: SUBJECT }))).toMatchObject({ name: "release" });
  expect(match(identity({ subject: SUBJECT.slice(0, -1) }))).toBe("wrong-identity");
  const pattern = "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/*";
  expect(match(identity({ subjectPattern: pattern }))).toMatchObject({ name: "release" });
  for (const subject of [
    "https://github.com/acme/app/evil/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1/x",
    "https://evil.example/?https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/release-yml@refs/tags/v1",
  ]) {
    expect(match(identity({ subjectPattern: pattern }), subject)).toBe("wrong-identity");
  }
});

it("matches an issuer exactly, and a root when it is bound to one", () => {
  expect(match(identity({ subject: SUBJECT }), SUBJECT, `${ISSUER}/`)).toBe("wrong-issuer");
  expect(match(identity({ subject: SUBJECT, roots: ["own"] }))).toBe("wrong-issuer");
  expect(match(identity({ subject: SUBJECT, roots: ["own", "public"] }))).toMatchObject({ name: "release" });
});

it("takes no time over a long subject and many stars", () => {
  const subjectPattern = `https://a/${"*x".repeat(15)}`;
  checkIdentity(identity({ subjectPattern }));
  expect(match(identity({ subjectPattern }), `https://a/${"x".repeat(2000)}y`)).toBe("wrong-identity");
  expect(match(identity({ subjectPattern: "https://a/**" }), `https://a/${"x".repeat(5000)}`)).toBe("wrong-identity");
});

it.each<[string, Partial<TrustedIdentity>]>([
  ["neither a subject nor a pattern", {}],
  ["both", { subject: SUBJECT, subjectPattern: "x*" }],
  ["a pattern that matches everybody", { subjectPattern: "**" }],
  ["too many stars", { subjectPattern: "a*".repeat(17) }],
  ["too long a pattern", { subjectPattern: "a".repeat(1025) }],
])("refuses an identity with %s", (_what, more) => {
  expect(() => checkIdentity(identity(more))).toThrowError(expect.objectContaining({ code: "trust.invalid-identity" }));
});
