// What a service's refusal says, and what it must not.
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { post } from "./post.ts";

const TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjaSJ9.c2lnbmF0dXJl";

const server = createServer((_req, res) => {
  res.writeHead(400).end(JSON.stringify({ message: `cannot verify ${TOKEN}: expired` }));
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it("tells a service's refusal in its own words, without the token that they quote", async () => {
  const asked = post({ service: "the authority", url, type: "application/json", body: "{}" });
  await expect(asked).rejects.toMatchObject({
    code: "keyless.refused",
    message: expect.stringContaining("400: cannot verify [token]: expired"),
  });
  await expect(asked).rejects.not.toMatchObject({ message: expect.stringContaining("eyJ") });
});
