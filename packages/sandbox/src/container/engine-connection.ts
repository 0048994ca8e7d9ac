// A way to an engine's API.
import type Docker from "dockerode";

/** Where an API answers. */
export type EngineAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** A client, and the address for what the client cannot do. */
export interface EngineApi {
  readonly docker: Docker;
  readonly address: EngineAddress;
}

export interface EngineConnection {
  readonly description: string;
  /** The API, made to answer again where that is in our hands. */
  api(): Promise<EngineApi>;
  close(): Promise<void>;
}

/** An API client. The package is loaded here and no sooner: it takes a quarter of a second. */
export async function engineApi(address: EngineAddress): Promise<EngineApi> {
  const { default: Dockerode } = await import("dockerode");
  const docker =
    "socketPath" in address
      ? new Dockerode({ socketPath: address.socketPath })
      : new Dockerode({ protocol: "http", host: address.host, port: address.port });
  return { docker, address };
}

/** A connection to an engine that somebody else runs. */
export async function foreignEngine(description: string, address: EngineAddress): Promise<EngineConnection> {
  const api = await engineApi(address);
  return { description, api: async () => api, close: async () => undefined };
}
