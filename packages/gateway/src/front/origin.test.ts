// Who may call the gateway by which name.
import { expect, it } from "vitest";
import { foreignOrigin } from "./origin.ts";

it.each([
  [{ host: "127.0.0.1:7340" }, []],
  [{ host: "localhost" }, []],
  [{ host: "[::1]:7340", origin: "http://localhost:5173" }, []],
  [{ host: "gateway.example:7340", origin: "https://gateway.example" }, ["gateway.example"]],
])("lets %j in", (headers, hosts) => {
  expect(foreignOrigin(headers, hosts)).toBeUndefined();
});

it.each([
  {},
  { host: "evil.example" },
  { host: "localhost.evil.example" },
  { host: "evil.example@localhost.evil.example" },
  { host: "localhost", origin: "null" },
  { host: "localhost", origin: "https://evil.example" },
])("keeps %j out", (headers) => {
  expect(foreignOrigin(headers, [])).toBeDefined();
});
