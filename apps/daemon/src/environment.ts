// What of the environment reaches commands that the daemon runs, and artifacts that it makes.

export type Environment = Readonly<Record<string, string | undefined>>;

/** When artifacts say that they were made (reproducible-builds.org, SOURCE_DATE_EPOCH). */
export function createdAtOf(environment: Environment): { createdAt?: Date } {
  const text = environment["SOURCE_DATE_EPOCH"] ?? "";
  return /^[0-9]{1,11}$/.test(text) ? { createdAt: new Date(Number(text) * 1000) } : {};
}

/** What lets apt, npm and pip reach their mirrors through a company's proxy. */
export function proxyVariables(environment: Environment): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  return pick(environment, names);
}

/** Whom apt, npm and pip trust beside the usual authorities. */
export function trustVariables(environment: Environment): Record<string, string> {
  return pick(environment, ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT"]);
}

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
