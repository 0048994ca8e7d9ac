// What a certificate says of whom: the subject's name and the Fulcio extensions, out of a verified token's claims. Pure.
import { sigstoreErrors } from "./errors.ts";

/** How an issuer names its subjects. */
export type SubjectKind = "email" | "uri" | "github" | "gitlab" | "kubernetes";

export interface TokenClaims {
  readonly [claim: string]: unknown;
}

/** A Fulcio extension: its last arc under 1.3.6.1.4.1.57264.1, and its text. */
export interface FulcioExtension {
  readonly arc: number;
  readonly value: string;
}

export interface CertifiedIdentity {
  readonly issuer: string;
  /** The subject alternative name. */
  readonly subject: string;
  readonly nameType: "email" | "uri";
  readonly extensions: readonly FulcioExtension[];
  /** What a client signs to prove that it holds the key: the subject, or the e-mail address where there is one. */
  readonly challenges: readonly string[];
}

const TEXT_LIMIT = 2048;

/**
 * The identity that a token stands for.
 * @throws `sigstore.token-rejected` when a claim that names it is missing
 */
export function identityOf(kind: SubjectKind, claims: TokenClaims, audience: string): CertifiedIdentity {
  const reject = (reason: string): Error => sigstoreErrors("sigstore.token-rejected", { reason, audience });
  const text = (claim: string): string => {
    const value = optionalText(claims, claim);
    if (value === undefined) throw reject(`it has no usable claim \`${claim}\``);
    return value;
  };
  const issuer = text("iss");
  const challenges = challengesOf(claims, text("sub"));
  switch (kind) {
    case "email": {
      if (claims["email_verified"] !== true) throw reject("its e-mail address is not verified");
      const subject = text("email");
      if (!/^[^\s@<>"(),:;\\[\]]{1,64}@[A-Za-z0-9.-]{1,255}$/.test(subject)) throw reject("its e-mail address is none");
      return { issuer, subject, nameType: "email", extensions: [], challenges };
    }
    case "uri":
      return { issuer, subject: uri(text("sub"), reject), nameType: "uri", extensions: [], challenges };
    case "kubernetes": {
      const match = /^system:serviceaccount:([a-z0-9.-]{1,253}):([a-z0-9.-]{1,253})$/.exec(text("sub"));
      if (match === null) throw reject("its subject is no service account");
      const subject = `https://kubernetes.io/namespaces/${match[1]}/serviceaccounts/${match[2]}`;
      return { issuer, subject, nameType: "uri", extensions: [], challenges };
    }
    case "github": {
      const server = serverOf(issuer, "token.actions.githubusercontent.com", "https://github.com");
      const subject = uri(`${server}/${text("job_workflow_ref")}`, reject);
      return { issuer, subject, nameType: "uri", extensions: githubExtensions(server, claims), challenges };
    }
    case "gitlab": {
      const subject = uri(`https://${text("ci_config_ref_uri")}`, reject);
      return { issuer, subject, nameType: "uri", extensions: gitlabExtensions(issuer, claims), challenges };
    }
  }
}

function challengesOf(claims: TokenClaims, subject: string): string[] {
  const email = claims["email_verified"] === true ? optionalText(claims, "email") : undefined;
  return email === undefined ? [subject] : [subject, email];
}

function optionalText(claims: TokenClaims, claim: string): string | undefined {
  const value = claims[claim];
  return typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT && isPlain(value) ? value : undefined;
}

/** No control characters: what goes into a certificate is read by people and compared as text. */
function isPlain(value: string): boolean {
  return !/\p{Cc}/u.test(value) && value.isWellFormed();
}

function uri(value: string, reject: (reason: string) => Error): string {
  // Certificates hold URIs as IA5String: ASCII alone.
  if (!/^[a-z][a-z0-9+.-]*:\/\/[\x21-\x7e]+$/.test(value) || !URL.canParse(value)) {
    throw reject("its subject is no URI");
  }
  return value;
}

function serverOf(issuer: string, publicHost: string, publicServer: string): string {
  const { host, origin } = new URL(issuer);
  return host === publicHost ? publicServer : origin;
}

/** https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: 1 to 6 are the older form, 9 to 22 the current one. */
function githubExtensions(server: string, claims: TokenClaims): FulcioExtension[] {
  const get = (claim: string): string | undefined => optionalText(claims, claim);
  const at = (claim: string): string | undefined => prefixed(server, get(claim));
  const [repository, run, attempt] = [get("repository"), get("run_id"), get("run_attempt")];
  return present([
    [2, get("event_name")],
    [3, get("sha")],
    [4, get("workflow")],
    [5, repository],
    [6, get("ref")],
    [9, at("job_workflow_ref")],
    [10, get("job_workflow_sha")],
    [11, get("runner_environment")],
    [12, at("repository")],
    [13, get("sha")],
    [14, get("ref")],
    [15, get("repository_id")],
    [16, at("repository_owner")],
    [17, get("repository_owner_id")],
    [18, at("workflow_ref")],
    [19, get("workflow_sha")],
    [20, get("event_name")],
    [21, repository && run && attempt && `${server}/${repository}/actions/runs/${run}/attempts/${attempt}`],
    [22, get("repository_visibility")],
  ]);
}

function gitlabExtensions(server: string, claims: TokenClaims): FulcioExtension[] {
  const get = (claim: string): string | undefined => optionalText(claims, claim);
  const at = (claim: string): string | undefined => prefixed(server, get(claim));
  const [project, job, ref] = [get("project_path"), get("job_id"), get("ref")];
  const kind = get("ref_type") === "tag" ? "tags" : "heads";
  const config = prefixed("https:/", get("ci_config_ref_uri"));
  return present([
    [9, config],
    [10, get("ci_config_sha")],
    [11, get("runner_environment")],
    [12, at("project_path")],
    [13, get("sha")],
    [14, ref && `refs/${kind}/${ref}`],
    [15, get("project_id")],
    [16, at("namespace_path")],
    [17, get("namespace_id")],
    [18, config],
    [19, get("ci_config_sha")],
    [20, get("pipeline_source")],
    [21, project && job && `${server}/${project}/-/jobs/${job}`],
    [22, get("project_visibility")],
  ]);
}

function prefixed(server: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${server}/${value}`;
}

function present(entries: readonly (readonly [number, string | undefined])[]): FulcioExtension[] {
  return entries.flatMap(([arc, value]) => (value === undefined || value === "" ? [] : [{ arc, value }]));
}
