// Where the keys of an issuer may be.
import { expect, it } from "vitest";
import { mayHoldKeys } from "./issuer-keys.ts";

it.each([
  ["https://keys.example/jwks", "https://issuer.example", true],
  ["http://127.0.0.1:8080/jwks", "http://localhost:8080", true],
  ["http://127.0.0.1:8080/jwks", "https://issuer.example", false],
  ["http://issuer.example/jwks", "https://issuer.example", false],
  ["http://localhost@issuer.example/jwks", "http://localhost:8080", false],
  ["file:///etc/passwd", "http://localhost:8080", false],
])("looks for keys at %s for the issuer %s: %s", (address, issuer, may) => {
  expect(mayHoldKeys(address, issuer)).toBe(may);
});
