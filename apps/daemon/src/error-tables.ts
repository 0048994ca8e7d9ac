// Every error code of the house, for `pratique explain` and the reference page.
import { auditErrors } from "@pratique/audit";
import { agentErrors } from "@pratique/agents";
import { catalogErrors } from "@pratique/catalog";
import { coreErrors, type ErrorDefinition } from "@pratique/core";
import { deltaErrors } from "@pratique/delta";
import { evidenceErrors, keylessErrors, omsErrors, signingErrors } from "@pratique/evidence";
import { credentialErrors, gatewayErrors } from "@pratique/gateway";
import { guardErrors } from "@pratique/guard";
import { identityErrors } from "@pratique/identity";
import { inferenceErrors } from "@pratique/inference";
import { ociErrors } from "@pratique/oci";
import { packagingErrors } from "@pratique/packaging";
import { policyErrors } from "@pratique/policy";
import { registryErrors } from "@pratique/registry";
import { sandboxErrors } from "@pratique/sandbox";
import { sbomErrors } from "@pratique/sbom";
import { secretErrors } from "@pratique/secrets";
import { sigstoreErrors } from "@pratique/sigstore";
import { storeErrors } from "@pratique/store";
import { vulnerabilityErrors } from "@pratique/vulnerabilities";
import { daemonErrors } from "./errors.ts";
import { scanErrors } from "./vulnerabilities/errors.ts";

export interface ErrorTable {
  readonly room: string;
  readonly definitions: Readonly<Record<string, ErrorDefinition>>;
}

/** The tables, from the ground floor up. */
export function errorTables(): ErrorTable[] {
  return [
    { room: "core", definitions: coreErrors.definitions },
    { room: "store", definitions: storeErrors.definitions },
    { room: "oci", definitions: ociErrors.definitions },
    { room: "audit", definitions: auditErrors.definitions },
    { room: "policy", definitions: policyErrors.definitions },
    { room: "identity", definitions: identityErrors.definitions },
    { room: "guard", definitions: guardErrors.definitions },
    { room: "catalog", definitions: catalogErrors.definitions },
    { room: "delta", definitions: deltaErrors.definitions },
    { room: "sbom", definitions: sbomErrors.definitions },
    { room: "vulnerabilities", definitions: vulnerabilityErrors.definitions },
    { room: "evidence", definitions: evidenceErrors.definitions },
    { room: "evidence", definitions: signingErrors.definitions },
    { room: "evidence", definitions: omsErrors.definitions },
    { room: "evidence", definitions: keylessErrors.definitions },
    { room: "secrets", definitions: secretErrors.definitions },
    { room: "sigstore", definitions: sigstoreErrors.definitions },
    { room: "packaging", definitions: packagingErrors.definitions },
    { room: "sandbox", definitions: sandboxErrors.definitions },
    { room: "registry", definitions: registryErrors.definitions },
    { room: "inference", definitions: inferenceErrors.definitions },
    { room: "gateway", definitions: gatewayErrors.definitions },
    { room: "gateway", definitions: credentialErrors.definitions },
    { room: "agents", definitions: agentErrors.definitions },
    { room: "daemon", definitions: daemonErrors.definitions },
    { room: "daemon", definitions: scanErrors.definitions },
  ];
}
