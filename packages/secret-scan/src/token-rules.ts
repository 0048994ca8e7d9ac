// Tokens that are known by a literal part of their own: what it is, and what stands around it.
import { hasBase62Checksum, hasHexChecksum } from "./checksums.ts";
import { entropyOf, looksDrawn } from "./randomness.ts";

export interface TokenRule {
  readonly kind: string;
  /** Each at least three characters, of those that runs are made of. */
  readonly anchors: readonly string[];
  /** Of the whole token; tried where an anchor was found, `lead` characters before it. */
  readonly pattern: RegExp;
  readonly lead: number;
  /** Letters and digits may stand right before it. */
  readonly isGlued: boolean;
  /** Not even `-` and `_` may. */
  readonly isWhole: boolean;
  /** Of a token of that form: whether it is one. */
  readonly accepts: ((token: string) => boolean) | undefined;
  /** True of a token that proves itself: it counts wherever it stands. */
  readonly proves: ((token: string) => boolean) | undefined;
}

interface Extra {
  readonly lead?: number;
  readonly isGlued?: boolean;
  readonly isWhole?: boolean;
  readonly accepts?: (token: string) => boolean;
  readonly proves?: (token: string) => boolean;
}

type Row = readonly [kind: string, anchors: string, pattern: string, extra?: Extra];

/** Letters and digits, such as hyphens too, hexadecimal digits; and what does not go on after a token of a fixed length. */
const A = "[A-Za-z0-9]";
const W = "[A-Za-z0-9_-]";
const H = "[a-f0-9]";
const END = "(?![A-Za-z0-9])";
const UUID = `${H}{8}-${H}{4}-${H}{4}-${H}{4}-${H}{12}`;

const atLeast = (bits: number): Extra => ({ accepts: (token) => entropyOf(token) >= bits });
const drawn: Extra = { accepts: (token) => looksDrawn(token) };
const withChecksum: Extra = { proves: hasBase62Checksum };

/** An access key of Amazon's own examples ends so. */
const isExample = (token: string): boolean => token.endsWith("EXAMPLE");

const ROWS: readonly Row[] = [
  // Source code and packages
  ["github-token", "ghp_ gho_ ghu_ ghs_ ghr_", `gh[pousr]_${A}{36,255}`, withChecksum],
  ["github-fine-grained-token", "github_pat_", "github_pat_[A-Za-z0-9_]{22,255}"],
  [
    "gitlab-token",
    "glpat- gldt- glft- glsoat- glffct- glagent- gloas-",
    `gl(?:pat|dt|ft|soat|ffct|agent|oas)-${W}{20,300}(?:\\.[0-9a-z]{2}\\.?[0-9a-z]{7})?`,
  ],
  ["gitlab-runner-token", "glrt- glrtr-", `glrtr?-${W}{20,300}(?:\\.[0-9a-z]{2}\\.?[0-9a-z]{7})?`],
  ["gitlab-runner-token", "GR1348941", `GR1348941${W}{20}`],
  ["gitlab-token", "glcbt- glptt- glimt-", `gl(?:cbt-${A}{1,5}_${W}{20}|ptt-${H}{40}|imt-${W}{25})`],
  ["bitbucket-token", "ATBB ATCTT3xFfG", `AT(?:BB[A-Za-z0-9]{32}|CTT3xFfG[A-Za-z0-9+/=_-]{160,260})${END}`],
  ["npm-token", "npm_", `npm_${A}{36}${END}`, withChecksum],
  ["pypi-token", "pypi-AgE", `pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)${W}{50,1000}`],
  ["rubygems-token", "rubygems_", `rubygems_${H}{48}${END}`],
  ["crates-token", "cio", `cio${A}{32}${END}`, drawn],
  ["nuget-key", "oy2", `oy2[a-z0-9]{43}${END}`, drawn],
  ["clojars-token", "CLOJARS_", "CLOJARS_[A-Za-z0-9]{60}"],
  ["packagist-token", "packagist_", `packagist_[ou][ru]t_${H}{68}`],
  ["jfrog-key", "AKCp", `AKCp${A}{69}${END}`, atLeast(4.5)],
  ["jfrog-reference-token", "cmVmd", `cmVmd${A}{59}${END}`, atLeast(4)],
  ["docker-token", "dckr_pat_ dckr_oat_", `dckr_[po]at_${W}{27,40}`],
  ["octopus-key", "API-", `API-[A-Z0-9]{26}${END}`, drawn],
  ["circleci-token", "CCIPAT_ CCIPRJ_", `CCIP(?:AT|RJ)_${A}{22}_${H}{40}`],
  ["buildkite-token", "bkua_", `bkua_${H}{40}`],
  ["sourcegraph-token", "sgp_", `sgp_(?:(?:${H}{16}|local)_)?${H}{40}`],
  ["snyk-token", "snyk_uat", `snyk_uat\\.${H}{8}\\.eyJ[A-Za-z0-9._-]{20,2000}`],
  ["sonar-token", "squ_ sqp_ sqa_", `sq[upa]_${H}{40}${END}`],
  ["sentry-token", "sntryu_", `sntryu_${H}{64}`],
  ["sentry-organization-token", "sntrys_", "sntrys_[A-Za-z0-9+/]{40,600}={0,2}_[A-Za-z0-9+/]{43}"],
  ["postman-key", "PMAK-", `PMAK-${H}{24}-${H}{34}`],
  ["readme-key", "rdme_", `rdme_[a-z0-9]{70}`],
  ["infracost-key", "ico-", `ico-${A}{32}${END}`, drawn],
  // Clouds
  [
    "aws-access-key",
    "AKIA ASIA ABIA ACCA",
    `A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}${END}`,
    { accepts: (token) => !isExample(token) && entropyOf(token) >= 2.5 },
  ],
  ["aws-bedrock-key", "ABSK", `ABSK[A-Za-z0-9+/]{109,269}={0,2}`],
  ["aws-bedrock-key", "bedrock-api-key-", "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/=_-]{0,4000}"],
  ["aws-mws-token", "amzn.mws.", `amzn\\.mws\\.${UUID}`],
  ["google-api-key", "AIza", `AIza${W}{35}${END}`, atLeast(3)],
  ["google-oauth-secret", "GOCSPX-", `GOCSPX-${W}{28}`],
  ["google-access-token", "ya29.", `ya29\\.${W}{20,2000}`],
  ["google-refresh-token", "1//0", `1//0${W}{60,200}`],
  [
    "azure-client-secret",
    "0Q~ 1Q~ 2Q~ 3Q~ 4Q~ 5Q~ 6Q~ 7Q~ 8Q~ 9Q~",
    "[A-Za-z0-9_~.-]{3}\\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~-])",
    { lead: 3, ...atLeast(3) },
  ],
  ["azure-key", "JQQJ99", `${A}{52}JQQJ99${A}{20,28}`, { lead: 52 }],
  ["azure-storage-key", "+ASt", `[A-Za-z0-9+/]{76}\\+ASt[A-Za-z0-9+/]{6}==`, { lead: 76 }],
  ["azure-devops-token", "AZDO", `${A}{76}AZDO${A}{4}${END}`, { lead: 76 }],
  ["alibaba-access-key", "LTAI", `LTAI${A}{12,24}${END}`, drawn],
  ["tencent-secret-id", "AKID", `AKID${A}{32}${END}`, drawn],
  ["yandex-key", "AQVN", `AQVN${W}{35,38}${END}`, atLeast(4)],
  ["yandex-token", "t1.", `t1\\.[A-Z0-9a-z_-]{10,200}=?\\.[A-Z0-9a-z_-]{86}={0,2}`],
  ["digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", `do[por]_v1_${H}{64}`],
  ["heroku-key", "HRKU-", `HRKU-${W}{36,60}`],
  ["flyio-token", "fo1_ fm1r_ fm1a_ fm2_", `(?:fo1_${W}{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,2000}={0,3})`],
  ["cloudflare-origin-key", "v1.0-", `v1\\.0-${H}{24}-${H}{146}`],
  ["netlify-token", "nfp_", `nfp_${A}{36}${END}`],
  ["vercel-token", "vcp_ vci_ vca_ vcr_ vck_", `vc[piark]_${A}{24,60}${END}`, drawn],
  ["supabase-token", "sbp_ sb_secret_", `(?:sbp_${H}{40}|sb_secret_${W}{30,60})`],
  ["render-key", "rnd_", `rnd_${A}{28,40}${END}`, drawn],
  ["scaleway-key", "SCW", `SCW[A-Z0-9]{17}${END}`, drawn],
  ["databricks-token", "dapi", `dapi${H}{32}(?:-\\d)?${END}`],
  ["planetscale-token", "pscale_", "pscale_(?:tkn|oauth|pw|app_secret)_[A-Za-z0-9._-]{32,64}"],
  ["clickhouse-key", "4b1d", `4b1d${A}{38}${END}`, { accepts: (token) => /[G-Zg-z]/.test(token) && looksDrawn(token) }],
  ["confluent-key", "cflt", `cflt[A-Za-z0-9+/]{60}${END}`, drawn],
  ["aiven-token", "AVNS_", `AVNS_${W}{19}${END}`, drawn],
  ["neon-key", "napi_", `napi_[a-z0-9]{64}`],
  ["pulumi-token", "pul-", `pul-${H}{40}${END}`],
  ["terraform-token", ".atlasv1.", `[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_-]{60,70}`, { lead: 14 }],
  ["vault-token", "hvs. hvb. hvr.", `hv[sbr]\\.${W}{24,300}`],
  [
    "doppler-token",
    "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.",
    `dp\\.(?:pt|st|ct|sa|scim|audit)\\.(?:[a-z0-9_-]{2,35}\\.)?${A}{40,44}${END}`,
  ],
  ["dynatrace-token", "dt0c01. dt0s01. dt0s02. dt0s03. dt0s08.", `dt0[cs]0\\d\\.[A-Za-z0-9]{8,24}\\.[A-Za-z0-9]{64}`],
  ["harness-token", "pat. sat.", `[ps]at\\.${W}{22}\\.${A}{24}\\.${A}{20}${END}`],
  ["age-key", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,}"],
  ["openshift-token", "sha256~", `sha256~${W}{43}${END}`, atLeast(3.5)],
  ["scalingo-token", "tk-us-", `tk-us-${W}{48}`],
  ["prefect-key", "pnu_ pnb_", `pn[ub]_${A}{36}${END}`],
  [
    "putty-key",
    "PuTTY-User-Key-File-",
    "PuTTY-User-Key-File-[23][\\s\\S]{20,600}?Private-Lines: ?\\d+(?:\\\\r|\\\\n|[\\sA-Za-z0-9+/=]){64,8000}",
  ],
  ["1password-token", "ops_eyJ", "ops_eyJ[A-Za-z0-9+/_-]{200,4000}={0,3}"],
  [
    "1password-secret-key",
    "A3-",
    `A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}${END}`,
    atLeast(3.5),
  ],
  // Models
  ["anthropic-key", "sk-ant-", `sk-ant-${W}{20,200}`],
  ["openai-key", "sk-proj- sk-svcacct- sk-admin- sk-None-", `sk-(?:proj|svcacct|admin|None)-${W}{20,220}`],
  ["openai-key", "sk-", `sk-${A}{20}T3BlbkFJ${A}{20}`],
  ["openrouter-key", "sk-or-v1-", `sk-or-v1-${H}{64}`],
  ["api-key", "sk-", `sk-${A}{32,64}${END}`, drawn],
  ["openai-session-secret", "ek_", `ek_${H}{32}${END}`],
  ["huggingface-token", "hf_ api_org_", `(?:hf|api_org)_[A-Za-z0-9]{34,40}${END}`],
  ["groq-key", "gsk_", `gsk_${A}{48,56}${END}`],
  ["xai-key", "xai-", `xai-${A}{80}${END}`],
  ["perplexity-key", "pplx-", `pplx-${A}{48,56}${END}`],
  ["replicate-token", "r8_", `r8_${A}{37}${END}`],
  ["fireworks-key", "fw_", `fw_${A}{22,24}${END}`, drawn],
  ["nvidia-key", "nvapi-", `nvapi-${W}{60,70}`],
  ["langsmith-key", "lsv2_", `lsv2_(?:pt|sk)_${H}{32}_${H}{10}`],
  ["pinecone-key", "pcsk_", `pcsk_${W}{60,75}`],
  ["tavily-key", "tvly-", `tvly-(?:dev-)?${A}{32}${END}`],
  ["firecrawl-key", "fc-", `fc-${H}{32}${END}`],
  ["e2b-key", "e2b_", `e2b_${H}{40}${END}`],
  ["modal-token", "ak-", `ak-${A}{22}${END}`, drawn],
  ["elevenlabs-key", "sk_", `sk_${H}{48}${END}`],
  ["langfuse-key", "sk-lf-", `sk-lf-${UUID}`],
  ["weights-and-biases-key", "wandb_v1_", `wandb_v1_${W}{60,120}`],
  // Messages
  [
    "slack-token",
    "xoxb- xoxa- xoxp- xoxo- xoxs- xoxr- xoxe- xoxc- xoxd-",
    "xox[abpsorecd]-[A-Za-z0-9-]{12,400}[A-Za-z0-9%-]{0,400}",
  ],
  ["slack-token", "xoxe.xox", "xoxe\\.xox[bp]-\\d-[A-Za-z0-9]{140,180}"],
  ["slack-app-token", "xapp-", `xapp-\\d-[A-Z0-9]{6,20}-\\d{6,20}-[a-z0-9]{32,80}`],
  ["slack-webhook", "hooks.slack.com/", "hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,80}"],
  ["discord-webhook", "/api/webhooks/", `/api/webhooks/\\d{17,20}/${W}{60,80}`, { isGlued: true }],
  [
    "teams-webhook",
    ".webhook.office.com/",
    `\\.webhook\\.office\\.com/webhookb2/${UUID}@${UUID}/IncomingWebhook/${H}{32}/${UUID}`,
    { isGlued: true },
  ],
  ["twilio-key", "SK0 SK1 SK2 SK3 SK4 SK5 SK6 SK7 SK8 SK9 SKa SKb SKc SKd SKe SKf", `SK${H}{32}${END}`],
  ["sendgrid-key", "SG.", `SG\\.${W}{20,24}\\.${W}{39,50}`],
  ["brevo-key", "xkeysib- xsmtpsib-", `x(?:key|smtp)sib-${H}{64}-${A}{16}`],
  ["mailgun-key", "key-", `key-${H}{32}${END}`, { accepts: (token) => looksDrawn(token.slice(4), 3.2) }],
  ["mailchimp-key", "-us", `${H}{32}-us\\d{1,2}${END}`, { lead: 32 }],
  ["resend-key", "re_", `re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}${END}`, drawn],
  ["telnyx-key", "KEY0", `KEY0${H}{31,40}_${A}{20,30}${END}`],
  // Begun at a word's start only, so that a text of `-eyJ-eyJ…` costs no more than another.
  [
    "jwt",
    "eyJhbGci eyJ0eXAi eyJraWQi eyJlbmMi eyJjdHki eyJ6aXAi eyJqa3Ui eyJqd2si eyJ4NXQi eyJ4NWMi eyJ4NXUi eyJjcml0 eyJhcHUi eyJlcGsi eyJiNjQi",
    `eyJ(?:hbGci|0eXAi|raWQi|lbmMi|jdHki|6aXAi|qa3Ui|qd2si|4NXQi|4NWMi|4NXUi|jcml0|hcHUi|lcGsi|iNjQi)${W}{3,4000}\\.${W}{0,8000}\\.${W}{8,8000}(?:\\.${W}{8,8000}\\.${W}{8,200})?`,
    { isWhole: true },
  ],
  // One whose header begins otherwise, or that stands after a hyphen, keeps the header, which is no secret.
  ["jwt", ".eyJ", `\\.eyJ${W}{8,8000}\\.${W}{8,4000}`, { isGlued: true }],
  // Money and trade
  ["stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", `[sr]k_(?:live|test|prod)_${A}{10,247}`],
  ["stripe-webhook-secret", "whsec_", "whsec_[A-Za-z0-9+/]{24,80}={0,2}"],
  ["shopify-token", "shpat_ shpca_ shppa_ shpss_ shpua_ shprt_ shpit_", "shp(?:at|ca|pa|ss|ua|rt|it)_[A-Fa-f0-9]{32}"],
  ["square-token", "sq0atp- sq0csp- sq0idp-", `sq0(?:atp|csp)-${W}{22,60}`],
  ["square-token", "EAAAE EAAAl", `EAAA[El]${W}{59}${END}`, { accepts: (token) => looksDrawn(token, 4.5) }],
  [
    "plaid-token",
    "access-sandbox- access-production- access-development-",
    `access-(?:sandbox|development|production)-${UUID}`,
  ],
  ["easypost-key", "EZAK EZTK", `EZ[AT]K${A}{54}${END}`],
  ["duffel-token", "duffel_", `duffel_(?:test|live)_[A-Za-z0-9_-]{43}`],
  ["shippo-token", "shippo_", `shippo_(?:live|test)_[a-fA-F0-9]{40}`],
  ["flutterwave-key", "FLWSECK", `FLWSECK(?:_TEST)?-[a-hA-H0-9]{12,40}(?:-X)?`],
  ["lob-key", "live_ test_", `(?:live|test)_${H}{35}${END}`],
  ["razorpay-key", "rzp_live_ rzp_test_", `rzp_(?:live|test)_${A}{14,24}`],
  ["mercadopago-token", "APP_USR-", `APP_USR-(?:\\d{10,20}-\\d{6}-${H}{32}-\\d{5,12}|${UUID})`],
  ["coinbase-key-name", "organizations/", `organizations/${UUID}/apiKeys/${UUID}`],
  // Work
  ["atlassian-token", "ATATT3", "ATATT3[A-Za-z0-9_-]{150,220}"],
  ["linear-key", "lin_api_ lin_oauth_", `lin_(?:api_${A}{40}|oauth_${H}{64})`],
  ["notion-token", "ntn_", `ntn_\\d{11}${A}{35}`],
  ["notion-token", "secret_", `secret_${A}{43}${END}`, drawn],
  ["figma-token", "figd_ figo_ figu_ figdr_", `fig(?:d|o|u|dr)_${W}{36,80}`],
  ["airtable-token", "pat", `pat${A}{14}\\.${H}{64}${END}`],
  ["typeform-token", "tfp_", `tfp_[A-Za-z0-9._-]{44,64}`],
  ["contentful-token", "CFPAT-", `CFPAT-${W}{43}`],
  ["hubspot-token", "pat-na1- pat-na2- pat-eu1- pat-ap1-", `pat-(?:na1|na2|eu1|ap1)-${UUID}`],
  ["asana-token", "1/1 2/1", `[12]/1\\d{14,16}(?:/\\d{15,17})?:${H}{32}`],
  [
    "grafana-token",
    "glc_ glsa_",
    `(?:glc_[A-Za-z0-9+/]{32,400}={0,3}|glsa_${A}{32}_[A-Fa-f0-9]{8})`,
    { proves: hasHexChecksum },
  ],
  ["grafana-key", "eyJrIjoi", "eyJrIjoi[A-Za-z0-9+/_-]{60,400}={0,3}"],
  ["new-relic-key", "NRAK- NRII- NRJS- NRRA- NRSP- NRIQ- NRAA-", `NR(?:AK|II|RA|SP|IQ|AA)-[A-Za-z0-9_-]{27,42}${END}`],
  ["launchdarkly-key", "sdk- mob-", `(?:sdk|mob)-${UUID}`],
  ["launchdarkly-key", "api-", `api-${UUID}`],
  ["adobe-secret", "p8e-", `p8e-${W}{20,40}${END}`, drawn],
  ["frameio-token", "fio-u-", `fio-u-[A-Za-z0-9_-]{64}`],
  ["settlemint-token", "sm_aat_ sm_pat_ sm_sat_", `sm_[aps]at_${A}{16}${END}`],
  [
    "authress-key",
    ".acc_ .acc-",
    `[A-Za-z0-9]{4}\\.acc[_-][a-z0-9-]{10,32}\\.[A-Za-z0-9+/_=-]{30,120}`,
    { lead: 4, isGlued: true },
  ],
  ["intra42-secret", "s-s4t2", `s-s4t2(?:ud|af)-${H}{64}`],
  ["defined-networking-key", "dnkey-", `dnkey-[A-Za-z0-9_-]{26}-[A-Za-z0-9_-]{52}`],
  ["tailscale-key", "tskey-", `tskey-[a-z]{2,12}-${A}{6,40}-${A}{16,64}`],
  ["maxmind-key", "_mmk", `${A}{6}_${A}{29}_mmk`, { lead: 36 }],
  ["mapbox-secret-token", "sk.eyJ", "sk\\.eyJ[A-Za-z0-9_-]{20,400}\\.[A-Za-z0-9_-]{20,80}"],
  [
    "facebook-token",
    "EAAM EAAC EAAG EAAB EAAD EAAH",
    `EAA[MCGBDH]${A}{100,400}`,
    { accepts: (token) => looksDrawn(token, 4.5) },
  ],
  ["pratique-token", "prq_", `prq_${W}{20,400}(?:\\.${W}{20,200})?`],
  ["pratique-secret", "prqs_", `prqs_${W}{20,400}`],
];

/** The rules, compiled. Patterns keep their place, so a scanner has rules of its own. */
export function tokenRules(): TokenRule[] {
  return ROWS.map(([kind, anchors, pattern, extra = {}]) => ({
    kind,
    anchors: anchors.split(" "),
    pattern: new RegExp(pattern, "y"),
    lead: extra.lead ?? 0,
    isGlued: extra.isGlued ?? false,
    isWhole: extra.isWhole ?? false,
    accepts: extra.accepts,
    proves: extra.proves,
  }));
}
