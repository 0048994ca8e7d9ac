// What the daemon and its engine host say to each other over IPC.

export type HostCommand =
  | { readonly type: "probe" }
  | {
      readonly type: "serve";
      readonly path: string;
      readonly name: string;
      readonly socketPath: string;
      readonly key: string;
      readonly contextTokens: number | undefined;
      readonly threads: number;
      readonly slots: number;
    };

export type HostReport =
  | { readonly type: "ready"; readonly version: string }
  | { readonly type: "failed"; readonly detail: string };

function hasType(value: unknown, types: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    types.includes(value.type)
  );
}

export function isHostCommand(value: unknown): value is HostCommand {
  return hasType(value, ["probe", "serve"]);
}

export function isHostReport(value: unknown): value is HostReport {
  return hasType(value, ["ready", "failed"]);
}
