// An S3 server for interop tests: moto of Debian sid, which honours conditional writes, or the one that
// PRATIQUE_TEST_S3 names (`http://KEY:SECRET@host:port`), such as versitygw, Garage, MinIO or a cloud's.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "@pratique/core";
import type { S3Credentials, S3Place } from "@pratique/oci";
import { S3Bucket } from "../../../packages/oci/src/s3/s3-bucket.ts";
import { S3Sender } from "../../../packages/oci/src/s3/s3-request.ts";
import { ensureSidTree } from "./sid-tree.ts";

export interface S3Server {
  /** What it is, with its version. */
  readonly name: string;
  readonly endpoint: string;
  readonly credentials: S3Credentials;
  /** A bucket of its own for one test. */
  makeBucket(): Promise<S3Place>;
  /** The objects of such a bucket, for tests that look behind the store. */
  open(place: S3Place): S3Bucket;
  stop(): Promise<void>;
}

const START_TRIES = 150;

/** The server, running; or, as text, why it cannot be had. */
export async function startS3Server(): Promise<S3Server | string> {
  const given = process.env["PRATIQUE_TEST_S3"];
  if (given !== undefined && given !== "") {
    const url = new URL(given);
    const credentials = {
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
    };
    return serverAt(`S3 at ${url.host}`, `${url.protocol}//${url.host}`, credentials, async () => undefined);
  }
  const moto = await ensureSidTree("python3-moto");
  const cors = await ensureSidTree("python3-flask-cors");
  if (typeof moto === "string") return moto;
  if (typeof cors === "string") return cors;
  const python = (await readdir(join(moto.root, "usr/bin"))).find((name) => /^python3\.\d+$/.test(name));
  if (python === undefined) return "there is no python in the package's tree";
  const port = await freePort();
  const home = await mkdtemp(join(tmpdir(), "pratique-s3-"));
  const command = [moto.loader, "--library-path", moto.libraryPath, join(moto.root, "usr/bin", python)];
  const args = [...command.slice(1), "-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)];
  const packages = [moto, cors].map(({ root }) => join(root, "usr/lib/python3/dist-packages")).join(":");
  const child = spawn(command[0]!, args, {
    stdio: "ignore",
    env: {
      HOME: home,
      PATH: "/usr/bin:/bin",
      TMPDIR: home,
      PYTHONHOME: join(moto.root, "usr"),
      PYTHONPATH: packages,
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  for (let attempt = 0; !(await answers(endpoint)); attempt += 1) {
    if (attempt === START_TRIES || child.exitCode !== null) {
      await stop();
      return "moto does not start";
    }
    await delay(100);
  }
  return serverAt(`moto ${moto.version}`, endpoint, { accessKeyId: "test", secretAccessKey: "test-secret" }, stop);
}

function serverAt(name: string, endpoint: string, credentials: S3Credentials, stop: () => Promise<void>): S3Server {
  const senders: S3Sender[] = [];
  const open = (place: S3Place): S3Bucket => {
    const sender = new S3Sender({ place, credentials: async () => credentials, clock: systemClock });
    senders.push(sender);
    return new S3Bucket(sender);
  };
  return {
    name,
    endpoint,
    credentials,
    open,
    async makeBucket() {
      const bucket = `pratique-${randomBytes(8).toString("hex")}`;
      const place = { endpoint: new URL(endpoint), bucket, region: "us-east-1", pathStyle: true };
      await open(place).sender.exchange({ method: "PUT", key: "", expect: [200] });
      return place;
    },
    async stop() {
      for (const sender of senders) sender.close();
      await stop();
    },
  };
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
