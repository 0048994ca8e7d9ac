// A log on a temporary directory for tests: opened, abandoned as a crash would, and put on a disk that fills.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditRecord, RecordBody } from "@pratique/contracts";
import { manualClock, silentLog } from "@pratique/core";
import { openDatabase, type Database } from "@pratique/store";
import { openAuditLog, type AuditLog, type AuditLogOptions } from "./audit-log.ts";
import { systemFiles, type AppendFile, type LogFiles } from "./log-files.ts";
import { openLogKey } from "./log-key.ts";

/** A record's body, told apart by its number. */
export function bodyOf(number: number): RecordBody {
  return {
    principal: { type: "User", id: "user:owner" },
    action: "tool:call",
    resource: { type: "Tool", id: `harbour/tool-${number % 7}` },
    run: `run-${number}`,
    decision: "allow",
    policies: [{ id: "owner-may", effect: "permit" }],
    policyDigest: `sha256:${"0".repeat(64)}`,
    reason: "policy owner-may permits it",
    outcome: "done",
    durationMs: number,
    details: { argumentsDigest: `sha256:${String(number).padStart(64, "0")}`, note: "Grüße ⚓" },
  };
}

/** A disk with so much space left. */
export interface SmallDisk {
  freeBytes: number;
}

function full(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
}

/** The real disk, until its space is used up: then writes come out short, and the next one fails. */
function filesOn(disk: SmallDisk, opened: AppendFile[]): LogFiles {
  return {
    ...systemFiles,
    async openAppend(path) {
      const file = await systemFiles.openAppend(path);
      opened.push(file);
      return {
        ...file,
        async write(bytes, position) {
          if (disk.freeBytes <= 0) throw full();
          const written = await file.write(bytes.subarray(0, disk.freeBytes), position);
          disk.freeBytes -= written;
          return written;
        },
      };
    },
    async writeAll(files) {
      if (disk.freeBytes <= 0) throw full();
      await systemFiles.writeAll(files);
    },
  };
}

export class TestLog {
  readonly #root: string;
  readonly disk: SmallDisk = { freeBytes: Number.POSITIVE_INFINITY };
  #database: Database | undefined;
  #log: AuditLog | undefined;
  #vkey = "";
  readonly #files: AppendFile[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  static async make(): Promise<TestLog> {
    return new TestLog(await mkdtemp(join(tmpdir(), "pratique-audit-")));
  }

  get directory(): string {
    return join(this.#root, "log");
  }

  get keyFile(): string {
    return join(this.#root, "log.pem");
  }

  get vkey(): string {
    return this.#vkey;
  }

  get database(): Database {
    return this.#database!;
  }

  /** Opens the log; it publishes only when asked to. */
  async open(change: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
    this.#database ??= await openDatabase({ file: join(this.#root, "db.sqlite") });
    const key = await openLogKey(this.keyFile, "pratique.local/log");
    this.#vkey = key.vkey;
    this.#log = await openAuditLog({
      directory: this.directory,
      key,
      database: this.#database,
      clock: manualClock(),
      log: silentLog,
      later: () => () => undefined,
      files: filesOn(this.disk, this.#files),
      ...change,
    });
    return this.#log;
  }

  /** Opens, appends so many records at once, closes. */
  async fill(count: number): Promise<AuditRecord[]> {
    const log = await this.open();
    const records = await Promise.all(Array.from({ length: count }, (_, at) => log.append(bodyOf(at))));
    await log.close();
    return records;
  }

  /** Lets go of the log without closing it, as a crash would. */
  async abandon(): Promise<void> {
    this.#log = undefined;
    for (const file of this.#files.splice(0)) await file.close();
    await this.#database?.close();
    this.#database = undefined;
  }

  async loseDatabase(): Promise<void> {
    await this.#database?.close();
    this.#database = undefined;
    for (const suffix of ["", "-wal"]) await rm(join(this.#root, `db.sqlite${suffix}`), { force: true });
  }

  async remove(): Promise<void> {
    await this.#log?.close();
    await this.#database?.close();
    await rm(this.#root, { recursive: true, force: true });
  }
}
