// Secrets without a form of their own: known by the name that they are assigned to.
import { entropyOf, looksDrawn } from "./randomness.ts";

/** Says the kind of a value under a name, or undefined. */
export type ValueJudge = (value: string) => string | undefined;

type Row = readonly [service: string, pattern: RegExp, value: RegExp, minimumEntropy?: number];

const HEX32 = /^[a-f0-9]{32}$/i;
const UUID = /^[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}$/i;

/** What the services' own keys look like, which say nothing of themselves. */
const SERVICES: readonly Row[] = [
  ["adafruit", /adafruit/, /^[a-z0-9_-]{32}$/i],
  ["adobe", /adobe/, HEX32],
  ["airtable", /airtable/, /^[a-z0-9]{17}$/i, 3],
  ["algolia", /algolia/, HEX32],
  ["alibaba", /alibaba|aliyun/, /^[a-z0-9]{30}$/i],
  ["asana", /asana/, HEX32],
  ["atlassian", /atlassian|confluence|jira/, /^[a-z0-9]{24}$/i, 3.5],
  ["aws-secret-key", /aws.{0,20}(?:key|secret)|secret_?access_?key/, /^[A-Za-z0-9/+]{40}$/, 3.5],
  ["aws-session-token", /session_?token/, /^[A-Za-z0-9/+=]{100,2000}$/, 4],
  ["azure-devops-token", /azure.?devops|ado_?pat|azp_token/, /^[a-z2-7]{52}$/],
  ["azure-storage-key", /accountkey|storage.{0,12}key/, /^[A-Za-z0-9+/]{86}(?:==)?$/, 4],
  ["azure-app-config-secret", /azconfig|^secret$/, /^[A-Za-z0-9+/]{43}=?$/, 4],
  ["azure-shared-access-key", /sharedaccesskey/, /^[A-Za-z0-9+/]{43}=?$/, 4],
  ["bitbucket", /bitbucket/, /^[a-z0-9_-]{32}(?:[a-z0-9=_-]{32})?$/i, 3],
  ["bittrex", /bittrex/, HEX32],
  ["cisco-meraki", /meraki/, /^[a-f0-9]{40}$/],
  ["cloudflare", /cloudflare|^cf_/, /^(?:[a-z0-9_-]{40}|[a-f0-9]{37})$/i, 3],
  ["codecov", /codecov/, /^[a-f0-9]{8}-?(?:[a-f0-9]{4}-?){3}[a-f0-9]{12}$/i],
  ["cohere", /cohere|^co_api_key/, /^[a-z0-9]{40}$/i, 4],
  ["coinbase", /coinbase/, /^[a-z0-9_-]{64}$/i],
  ["confluent", /confluent/, /^(?:[a-z0-9]{16}|[a-z0-9+/]{64})$/i, 3],
  ["contentful", /contentful/, /^[a-z0-9=_-]{43}$/i, 3.5],
  ["datadog", /datadog|^dd_/, /^(?:[a-f0-9]{32}|[a-f0-9]{40})$/i],
  ["discord", /discord/, /^(?:[a-z0-9_-]{32}|[a-f0-9]{64})$/i, 3],
  ["droneci", /drone_?ci|drone_token/, /^[a-z0-9]{32}$/i, 3],
  ["dropbox", /dropbox/, /^(?:[a-z0-9]{15}|[a-z0-9]{11}AAAAAAAAAA[a-z0-9_=-]{43}|sl\.[a-z0-9=_-]{130,1500})$/i, 3],
  ["etsy", /etsy/, /^[a-z0-9]{24}$/i, 3],
  ["facebook", /facebook|^fb_/, HEX32],
  ["fastly", /fastly/, /^[a-z0-9=_-]{32}$/i, 3],
  ["finicity", /finicity/, /^(?:[a-f0-9]{32}|[a-z0-9]{20})$/i, 3],
  ["finnhub", /finnhub/, /^[a-z0-9]{20}$/i, 3],
  ["flickr", /flickr/, HEX32],
  ["freshbooks", /freshbooks/, /^[a-z0-9]{64}$/i],
  ["freemius", /freemius/, /^sk_\S{29}$/],
  ["gitlab-session", /_gitlab_session/, HEX32],
  ["gitter", /gitter/, /^[a-z0-9_-]{40}$/i, 3],
  ["gocardless", /gocardless/, /^live_[a-z0-9_=-]{40}$/i],
  ["heroku", /heroku/, UUID],
  ["hubspot", /hubspot/, UUID],
  ["intercom", /intercom/, /^(?:[a-z0-9=_-]{60}|[a-f0-9-]{36})$/i, 3],
  ["jfrog", /jfrog|artifactory|bintray|xray/, /^(?:[a-z0-9]{73}|[a-z0-9]{64})$/i, 3],
  ["kraken", /kraken/, /^[a-z0-9/=_+-]{80,90}$/i],
  ["kucoin", /kucoin/, /^(?:[a-f0-9]{24}|[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12})$/],
  ["launchdarkly", /launchdarkly/, /^[a-z0-9=_-]{40}$/i, 3],
  ["linear", /linear/, /^[a-f0-9]{32}$/],
  ["linkedin", /linked[_-]?in/, /^[a-z0-9]{16}$/i, 3],
  ["looker", /looker/, /^(?:[a-z0-9]{24}|[a-z0-9]{20})$/i, 3],
  ["mailchimp", /mailchimp/, /^[a-f0-9]{32}(?:-us\d{1,2})?$/],
  ["mailgun", /mailgun/, /^(?:(?:pub)?key-[a-f0-9]{32}|[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8})$/],
  ["mattermost", /mattermost/, /^[a-z0-9]{26}$/i, 3],
  ["messagebird", /message[_-]?bird/, /^(?:[a-z0-9]{25}|[a-f0-9-]{36})$/i, 3],
  ["netlify", /netlify/, /^[a-z0-9=_-]{40,46}$/i, 3],
  ["new-relic", /new[_-]?relic/, /^(?:[a-z0-9]{64}|[a-f0-9]{36}NRAL)$/i, 3],
  ["nytimes", /nytimes|newyorktimes/, /^[a-z0-9=_-]{32}$/i, 3],
  ["okta", /okta/, /^00[\w=-]{40}$/, 3.5],
  ["plaid", /plaid/, /^(?:[a-z0-9]{24}|[a-z0-9]{30})$/i, 3],
  ["privateai", /private[_-]?ai/, HEX32],
  ["rapidapi", /rapidapi/, /^[a-z0-9_-]{50}$/i, 3],
  ["sendbird", /sendbird/, /^(?:[a-f0-9]{40}|[a-f0-9-]{36})$/],
  ["sentry", /sentry/, /^[a-f0-9]{64}$/],
  ["snyk", /snyk.*(?:key|token)/, UUID],
  ["sonar", /sonar.*(?:login|token)/, /^[a-z0-9=_-]{40}$/i, 3],
  ["sourcegraph", /sourcegraph|^src_access_token/, /^[a-f0-9]{40}$/],
  ["square", /square/, /^(?:EAAA[\w-]{22,60}|[a-f0-9-]{36})$/, 3],
  ["sumologic", /sumo/, /^(?:su[a-zA-Z0-9]{12}|[a-z0-9]{64})$/i, 3],
  ["telegram", /telegr/, /^AA[\w-]{33}$/],
  ["travisci", /travis/, /^[a-z0-9]{22}$/i, 3],
  ["twilio", /twilio/, /^[a-f0-9]{32}$/],
  ["twitch", /twitch/, /^[a-z0-9]{30}$/i, 3],
  [
    "twitter",
    /twitter/,
    /^(?:[a-z0-9]{25}|[a-z0-9]{45}|[a-z0-9]{50}|\d{15,25}-[a-zA-Z0-9]{20,40}|A{20,24}[a-z0-9%]{80,120})$/i,
    3,
  ],
  ["yandex", /yandex/, /^YC[a-zA-Z0-9_-]{38}$/],
  ["zendesk", /zendesk/, /^[a-z0-9]{40}$/i, 3],
  ["vault", /vault/, /^s\.[a-z0-9]{24}$/i, 3],
  ["wandb", /wandb|weights_?and_?biases/, /^[a-f0-9]{40}$/],
  ["mistral", /mistral/, /^[a-z0-9]{32}$/i, 3],
  ["deepgram", /deepgram/, /^[a-f0-9]{40}$/],
];

/** Names whose values are secrets, of whatever service: one that ends so, after a break between words. */
const SECRET_NAME =
  /(?:^|[_.-])(?:(?:api|access|auth|secret|private|client|service|signing|encryption|master|admin|app|deploy|bot|webhook|account|refresh|personal|user)[_.-]?(?:key|token|secret|password)s?|secrets?|tokens?|apikey|passw(?:or)?d|passwd|pwd|credentials?|auth|authorization|bearer|dsn|pat)$/;
/** Such names when their values are none. */
const OPEN_NAME =
  /page|next|prev|cursor|continu|sync|csrf|xsrf|nonce|public|hash|checksum|integrity|sha\d|etag|tokeni|max|count|type|url|uri|path|file|name|_id$|\.id$|idempot|resume|offset|progress|request|cache|design|sort|scroll|start|end|skip|trace|span/;
/** Values that stand in a secret's place. */
const PLACEHOLDER =
  /example|your|xxxx|change|placeholder|dummy|sample|insert|replace|redacted|1234567|abcdef(?!0)|deadbeef|fake|\.\.\.|<|\$\{|\{\{/i;
/** A digest by its length, a UUID, an address: not random because it is secret. */
const PLAIN_FORM = /^(?:sha\d{1,3}-|0x|v?\d+\.\d|https?|\/|\.)|^[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}$|^\d+$/i;

/** `apiKey` and `API-Key` as `api_key`. */
export function plainName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .slice(-80);
}

/** A judge of what is assigned to a name, or undefined where no value of that name is a secret. */
export function judgeOf(name: string): ValueJudge | undefined {
  const plain = plainName(name);
  const rows = SERVICES.filter(([, pattern]) => pattern.test(plain));
  const isSecretName = SECRET_NAME.test(plain) && !OPEN_NAME.test(plain);
  if (rows.length === 0 && !isSecretName) return undefined;
  // A service's name alone (`asana: …`) says less than one that ends in key or token.
  const services = isSecretName || /key|token|secret|pass|pat$|auth/.test(plain) ? rows : [];
  if (services.length === 0 && !isSecretName) return undefined;
  return (value) => {
    if (PLACEHOLDER.test(value)) return undefined;
    for (const [service, , pattern, minimumEntropy = 2.5] of services) {
      if (pattern.test(value) && /\d/.test(value) && entropyOf(value) >= minimumEntropy) {
        return /key|token|secret/.test(service) ? service : `${service}-key`;
      }
    }
    return isSecretName && isRandom(value) ? "assigned-secret" : undefined;
  };
}

function isRandom(value: string): boolean {
  return value.length <= 200 && !PLAIN_FORM.test(value) && looksDrawn(value, 3.5);
}

/** A person's password: short, so only where the structure itself says that it is one. */
export function isPassword(name: string, value: string): boolean {
  // Most names are others, and are asked about for every text.
  if (!/pass|pwd|secret/i.test(name)) return false;
  if (!/(?:^|[_.-])(?:passw(?:or)?d|passwd|pwd|passphrase|secret)$/.test(plainName(name))) return false;
  if (value.length < 8 || value.length > 200 || /[\s<>{}]/.test(value) || PLACEHOLDER.test(value)) return false;
  return /\d/.test(value) && /[A-Za-z]/.test(value) && entropyOf(value) >= 2.5 && !PLAIN_FORM.test(value);
}
