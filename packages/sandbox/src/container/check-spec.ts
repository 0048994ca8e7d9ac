// What a specification may not ask for, whoever wrote it.
import { posix } from "node:path";
import { sandboxErrors } from "../errors.ts";
import type { SandboxSpec } from "../sandbox.ts";
import { GUEST_DIRECTORY, SECRETS_DIRECTORY } from "./guest-files.ts";

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const FILE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;
const SECRETS_LIMIT = 512 * 1024;
/** Places inside that belong to the kernel, the engine or us; what lies below them is theirs too. */
const RESERVED = ["/proc", "/sys", "/dev", GUEST_DIRECTORY, SECRETS_DIRECTORY];
/** Whoever writes into these changes what runs. */
const WHOLE = ["/", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64"];

/** @throws `sandbox.spec-invalid` */
export function checkSpec(spec: SandboxSpec): void {
  const fail = (reason: string): never => {
    throw sandboxErrors("sandbox.spec-invalid", { name: spec.name, reason });
  };
  const { env = {}, files = {} } = spec.secrets ?? {};
  for (const name of [...Object.keys(env), ...Object.keys(spec.env ?? {})]) {
    if (!VARIABLE.test(name)) fail(`${JSON.stringify(name.slice(0, 100))} is no name of a variable`);
  }
  for (const name of Object.keys(files)) {
    if (!FILE.test(name)) fail(`${JSON.stringify(name.slice(0, 100))} is no name of a secret's file`);
  }
  const values = [...Object.values(env), ...Object.values(spec.env ?? {})];
  if (values.some((value) => value.includes("\0"))) fail("a variable holds a zero byte");
  const size = [...Object.values(env), ...Object.values(files)].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size > SECRETS_LIMIT) fail(`its secrets are ${size} bytes; ${SECRETS_LIMIT} are the most`);
  const targets = [
    ...(spec.writable ?? []).map(({ path }) => path),
    ...(spec.mounts ?? []).map((mount) => mount.target),
  ];
  for (const target of targets) {
    const plain = posix.normalize(target).replace(/(?<=.)\/$/, "");
    const isReserved = RESERVED.some((place) => plain === place || plain.startsWith(`${place}/`));
    if (!target.startsWith("/") || plain !== target.replace(/(?<=.)\/$/, "") || /[\0\n]/.test(target))
      fail(`${JSON.stringify(target.slice(0, 100))} is no plain absolute path`);
    if (isReserved || WHOLE.includes(plain)) fail(`nothing is put at ${plain} inside`);
  }
}
