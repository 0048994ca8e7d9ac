import { digestOf, silentLog, systemClock } from "@pratique/core";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BucketBlobs } from "./bucket-blobs.ts";
import { BucketKeys } from "./bucket-keys.ts";
import { BucketUpload } from "./bucket-upload.ts";
import { S3Bucket } from "./s3-bucket.ts";
import { S3Sender } from "./s3-request.ts";
import { Slots } from "./slots.ts";

const MIB = 1024 * 1024;
let server: Server;
let sender: S3Sender;
let slots: Slots;
/** Answers the requests that the storage keeps waiting. */
let answer: (status: number) => void;
let asked: Promise<void>;
let upload: BucketUpload;
beforeEach(async () => {
  let arrived: () => void;
  asked = new Promise((resolve) => (arrived = resolve));
  server = createServer((req, res) => {
    req.resume().on("end", () => {
      answer = (status) => res.writeHead(status, { ETag: '"1"' }).end();
      arrived();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const place = { endpoint: new URL(`http://127.0.0.1:${port}`), bucket: "b", region: "r", pathStyle: true };
  const credentials = async () => ({ accessKeyId: "id", secretAccessKey: "key" });
  sender = new S3Sender({ place, credentials, clock: systemClock });
  const blobs = new BucketBlobs(new S3Bucket(sender), new BucketKeys(undefined), systemClock, silentLog);
  slots = new Slots(1);
  const ends = { onEnd: () => undefined, onGrow: () => undefined, onStored: () => undefined };
  const remember = async (): Promise<void> => undefined;
  upload = new BucketUpload(
    "1",
    { name: "a", blobs, folder: "uploads/1/", slots, remember, ...ends },
    { algorithm: "sha256", parts: [], tailBytes: 0 },
  );
});
afterEach(() => {
  sender.close();
  server.closeAllConnections();
  server.close();
});

async function isTaken(): Promise<boolean> {
  const taking = slots.take();
  const isFree = await Promise.race([
    taking.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ]);
  void taking.then((giveBack) => giveBack());
  return !isFree;
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < 4; at += 1) yield Buffer.alloc(MIB);
}

it("has a place as long as its bytes are in memory, also while the storage takes them", async () => {
  const appending = upload.append(bytes());
  await asked;
  expect(await isTaken()).toBe(true);
  answer(200);
  expect(await appending).toBe(4 * MIB);
  expect(await isTaken()).toBe(false);
});

it("gives its place back when the storage refuses", async () => {
  const appending = upload.append(bytes());
  await asked;
  answer(403);
  await expect(appending).rejects.toMatchObject({ code: "oci.storage-denied" });
  expect(await isTaken()).toBe(false);
});

it("has a place while what was taken at once is stored", async () => {
  await upload.take(bytes());
  const committing = upload.commit(digestOf(Buffer.alloc(4 * MIB)));
  await asked;
  expect(await isTaken()).toBe(true);
  answer(403);
  await expect(committing).rejects.toMatchObject({ code: "oci.storage-denied" });
});
