// Makes the interceptors that the configuration names. One that cannot be used stops the start: it was put there to guard.
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { rootCertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import type { InterceptorConfig } from "@pratique/contracts";
import type { Log } from "@pratique/core";
import { gatewayErrors } from "../../errors.ts";
import { httpTransport, isSafeAddress } from "./http-transport.ts";
import type { Transport } from "./interceptor.ts";
import { InterceptorChain } from "./interceptor-chain.ts";
import { checkedModule } from "./wasm-module.ts";
import { wasmTransport } from "./wasm-transport.ts";

export interface OpenInterceptorsOptions {
  /** What paths in the configuration are relative to. */
  readonly directory: string;
  /** Built file of wasm-host; absent where the source itself runs. */
  readonly wasmHost?: string | undefined;
  readonly log: Log;
}

const SOURCE_HOST = fileURLToPath(new URL("./wasm-host.ts", import.meta.url));
const MODULE_LIMIT_BYTES = 64 * 1024 * 1024;
const SMALL_LIMIT_BYTES = 1024 * 1024;

/** Undefined when none is configured. @throws `gateway.interceptor-invalid` */
export async function openInterceptors(
  configs: readonly InterceptorConfig[],
  { directory, wasmHost = SOURCE_HOST, log }: OpenInterceptorsOptions,
): Promise<InterceptorChain | undefined> {
  if (configs.length === 0) return undefined;
  const all = await Promise.all(
    configs.map(async (config) => {
      try {
        return { config, transport: await transportOf(config, directory, wasmHost) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : "it cannot be read";
        throw gatewayErrors("gateway.interceptor-invalid", { interceptor: config.name, reason }, { cause: error });
      }
    }),
  );
  return new InterceptorChain(all, log);
}

async function transportOf(config: InterceptorConfig, directory: string, hostFile: string): Promise<Transport> {
  const { limitBytes } = config;
  if ("wasm" in config) {
    const bytes = await readSmall(resolve(directory, config.wasm), MODULE_LIMIT_BYTES);
    return wasmTransport({ module: await checkedModule(bytes, config.memoryBytes), hostFile, limitBytes });
  }
  const url = new URL(config.url);
  if (!isSafeAddress(url)) throw new Error("its address must be https, or http on this machine, and name no user");
  const ca = config.ca === undefined ? undefined : await readSmall(resolve(directory, config.ca), SMALL_LIMIT_BYTES);
  return httpTransport({
    url,
    limitBytes,
    ca: ca === undefined ? undefined : [...rootCertificates, ca.toString("utf8")],
    token: config.tokenFile === undefined ? undefined : await readToken(resolve(directory, config.tokenFile)),
  });
}

async function readToken(path: string): Promise<string> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others; chmod 600 it`);
  const token = (await readSmall(path, SMALL_LIMIT_BYTES)).toString("utf8").trim();
  if (!/^[\x21-\x7e]{1,8192}$/.test(token)) throw new Error(`${path} holds no token`);
  return token;
}

async function readSmall(path: string, limitBytes: number): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > limitBytes) throw new Error(`${path} is larger than ${limitBytes} bytes`);
  return await readFile(path);
}
