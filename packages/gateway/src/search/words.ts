// Words of tool names, descriptions and questions: split, without what every sentence has, by their stems.
import { stemmer } from "stemmer";

const SPLIT = /[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})/u;
const WORD_LIMIT = 40;

const COMMON = new Set(
  (
    "a an and any are as at be by can do does for from has have how i if in into is it its me my not of on or our " +
    "please so some than that the their them then there these this those to up us use used using want was we what " +
    "when where which who will with would you your need should could tool tools given"
  ).split(" "),
);

/** What one does with things: so many tools do it that it says little. */
const VERBS: readonly (readonly string[])[] = [
  ["get", "read", "fetch", "retrieve", "show", "view", "describe", "load", "lookup", "display", "open"],
  ["list", "show", "enumerate", "all", "browse"],
  ["search", "find", "query", "lookup", "look", "discover"],
  ["create", "add", "new", "make", "insert", "generate", "write", "open", "start"],
  ["delete", "remove", "drop", "destroy", "erase", "clear"],
  ["update", "edit", "modify", "change", "set", "patch", "rename", "replace", "write"],
  ["send", "post", "publish", "message", "notify"],
  ["run", "execute", "invoke", "exec", "perform", "trigger"],
  ["copy", "clone", "duplicate"],
  ["move", "rename", "transfer"],
  ["upload", "put", "push", "store", "save"],
  ["download", "fetch", "pull", "export"],
  ["check", "verify", "validate", "test", "inspect"],
  ["stop", "cancel", "abort", "end", "kill", "terminate"],
  ["enable", "activate", "allow"],
  ["disable", "deactivate", "block"],
];

/** Words that stand for one another in the names of tools. Each is looked for beside the one that was asked for. */
const ALIKE: readonly (readonly string[])[] = [
  ["picture", "image", "photo", "screenshot"],
  ["mail", "email"],
  ["directory", "folder", "dir"],
  ["website", "webpage", "url", "page", "site", "web"],
  ["repository", "repo"],
  ["database", "db", "sql"],
  ["ticket", "issue", "bug"],
  ["meeting", "event", "appointment", "calendar"],
  ["stock", "share", "equity", "ticker", "holding", "instrument"],
  ["buy", "purchase", "order", "trade"],
  ["company", "business", "organization", "firm"],
  ["error", "exception", "failure", "failed", "crash", "issue"],
  ["task", "todo", "checklist"],
  ["done", "complete", "completion", "finished", "closed"],
  ["refund", "money", "repay", "reimburse"],
  ["money", "balance", "payment", "pay", "fund"],
  ["discount", "coupon", "voucher"],
  ["customer", "client"],
  ["replica", "scale"],
  ["log", "logs", "output"],
  ["weather", "forecast", "temperature"],
  ["secret", "password", "credential", "key"],
  ["login", "logged", "identity", "current"],
  ["chart", "graph", "plot", "diagram", "visualize"],
  ["translate", "translation", "language"],
  ["schedule", "cron", "plan"],
  ["statistic", "stats", "metric", "measure", "count"],
  ["channel", "room", "conversation", "chat"],
  ["vulnerability", "cve", "risk", "security"],
  ["container", "docker", "image"],
  ["branch", "commit", "git"],
  ["calculate", "compute", "evaluate", "arithmetic", "math"],
  ["hash", "checksum", "digest"],
  ["lamp", "light"],
  ["heating", "heater", "thermostat", "temperature"],
  ["rain", "sun", "snow", "wind", "weather", "forecast"],
  ["euro", "dollar", "yen", "pound", "currency", "exchange"],
  ["french", "german", "spanish", "english", "japanese", "chinese", "italian", "language", "translate"],
  ["remember", "memory", "memorize", "mind", "recall"],
  ["cite", "citation", "reference"],
  ["free", "busy", "availability", "available"],
  ["google", "internet", "web"],
  ["transcript", "transcribe", "speech", "audio", "recording"],
  ["merge", "combine", "join", "concatenate"],
  ["parcel", "shipment", "shipping", "delivery", "tracking"],
  ["voucher", "coupon", "discount"],
  ["scan", "ocr", "recognise", "recognize"],
  ["column", "schema", "table", "describe"],
  ["team", "group", "workspace"],
  ["article", "paper", "publication"],
  ["documentation", "docs", "document"],
  ["crawl", "scrape", "extract"],
  ["price", "cost", "quote"],
  ["k8s", "kubernetes"],
  ["comment", "reply", "note"],
  ["user", "person", "people", "member", "account"],
  ["location", "place", "address", "geocode"],
  ["route", "direction", "navigate"],
];

/** Whoever does not ask for it does not want it. */
const LOSSY: ReadonlySet<string> = new Set(
  ["delete", "remove", "drop", "destroy", "erase", "purge", "revoke"].map(stemmer),
);

const VERB_STEMS: ReadonlySet<string> = new Set(VERBS.flat().map(stemmer));

const ALIKE_OF: ReadonlyMap<string, ReadonlySet<string>> = (() => {
  const map = new Map<string, Set<string>>();
  for (const group of [...VERBS, ...ALIKE].map((words) => words.map(stemmer))) {
    for (const word of group) {
      const others = map.get(word) ?? new Set();
      for (const other of group) if (other !== word) others.add(other);
      map.set(word, others);
    }
  }
  return map;
})();

/** Stems in their order: `createPullRequest`, `create_pull_request` and `Creates pull requests` are the same words. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const part of text.normalize("NFKC").split(SPLIT)) {
    const word = part.toLowerCase();
    if (word === "" || word.length > WORD_LIMIT || COMMON.has(word)) continue;
    words.push(stemmer(word));
  }
  return words;
}

/** Words that may stand in the place of a stem. */
export function alike(stem: string): readonly string[] {
  return [...(ALIKE_OF.get(stem) ?? [])];
}

/** True for a stem that says what is done, and not with what. */
export function isVerb(stem: string): boolean {
  return VERB_STEMS.has(stem);
}

/** True for a stem that says that something is lost. */
export function isLossy(stem: string): boolean {
  return LOSSY.has(stem);
}
