// `pratique connect kubernetes`: prints what makes a cluster ask here about every image.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { webhookConfigurations, type WebhookTarget } from "../connect/kubernetes.ts";
import { textFlag, type Command, type Flags } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";

/** What is left for the way, so that it is the daemon who says that it took too long. */
const MARGIN_SECONDS = 2;

export const connectKubernetes: Command = {
  name: "connect kubernetes",
  group: "set-up",
  summary: "print the webhook configurations that make a cluster ask here about images",
  description:
    "Nothing is written: hand it to kubectl. The webhooks fail closed. admission.listen in pratique.yaml makes the address that the API server calls.",
  flags: {
    url: { type: "string", value: "URL", summary: "where the API server finds the daemon: https://host:7443" },
    service: { type: "string", value: "NAMESPACE/NAME[:PORT]", summary: "or the service that leads to it (443)" },
    ca: { type: "string", value: "FILE", summary: "PEM of the authority that the daemon's certificate is by" },
  },
  examples: [
    "pratique connect kubernetes --url https://pratique.company:7443 --ca ca.pem | kubectl apply -f -",
    "pratique connect kubernetes --service pratique/admission --ca ca.pem | kubectl apply -f -",
  ],
  async run({ flags, context }) {
    const { terminal, workingDirectory } = context;
    const status = await (await context.client()).admission();
    const ca = textFlag(flags, "ca");
    const authority = ca === undefined ? undefined : await readFile(resolve(workingDirectory, ca), "utf8");
    if (authority?.includes("-----BEGIN CERTIFICATE-----") === false || authority?.includes("PRIVATE KEY") === true) {
      throw usageError(`${ca ?? ""} is no certificate`, "name the PEM file of the authority, without its key");
    }
    const configurations = webhookConfigurations({
      client: clientOf(flags),
      authority,
      exemptNamespaces: status.exemptNamespaces,
      timeoutSeconds: Math.min(30, Math.ceil(status.timeoutMs / 1000) + MARGIN_SECONDS),
      pin: status.pin,
    });
    terminal.out(JSON.stringify({ apiVersion: "v1", kind: "List", items: configurations }, null, 2));
    if (status.listen === undefined) {
      terminal.note("  note: admission.listen is not set, so the API server needs something in front that speaks TLS");
    } else if (status.authentication.length > 0) {
      terminal.note(
        `  note: the API server must send its ${status.authentication.join(" or ")}: docs/guides/admission.md`,
      );
    }
    return 0;
  },
};

function clientOf(flags: Flags): WebhookTarget["client"] {
  const [url, service] = [textFlag(flags, "url"), textFlag(flags, "service")];
  if ((url === undefined) === (service === undefined)) {
    throw usageError("one of --url and --service is needed", "the API server has to find the daemon");
  }
  if (service !== undefined) {
    const [, namespace, name, port] = /^([a-z0-9-]{1,63})\/([a-z0-9-]{1,63})(?::(\d{1,5}))?$/.exec(service) ?? [];
    if (namespace === undefined || name === undefined) {
      throw usageError(`--service is \`${service}\``, "write it as NAMESPACE/NAME or NAMESPACE/NAME:PORT");
    }
    return { service: { namespace, name, port: Number(port ?? 443) } };
  }
  const parsed = URL.parse(url ?? "");
  const isPlain = parsed?.protocol === "https:" && parsed.search === "" && parsed.hash === "" && parsed.username === "";
  if (!isPlain) throw usageError(`--url is \`${url ?? ""}\``, "https://HOST[:PORT], as webhooks want it");
  return { url: url ?? "" };
}
