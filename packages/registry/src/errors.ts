// What can go wrong between a client and the registry, beyond what the content store says.
import { defineErrors } from "@pratique/core";

export const registryErrors = defineErrors({
  "registry.credentials-required": {
    status: 401,
    text: "this registry answers nobody it does not know",
    hint: "log in with any user name and the token that `pratique token` prints as password",
  },
  "registry.route-unknown": {
    status: 404,
    text: "`{path}` is no path of the distribution API",
    hint: "see the OCI distribution specification, Endpoints",
  },
  "registry.method-not-allowed": {
    status: 405,
    text: "{method} is not possible here",
    hint: "use one of {allowed}",
  },
  "registry.name-invalid": {
    status: 400,
    text: "`{name}` is not a repository name",
    hint: "lower-case letters, digits, `.`, `_`, `-` between slashes; at most 255 characters",
  },
  "registry.repository-unknown": {
    status: 404,
    text: "there is no repository `{name}`",
    hint: "push something to it first",
  },
  "registry.tag-invalid": {
    status: 400,
    text: "`{tag}` is neither a tag nor a digest",
    hint: "a tag has at most 128 letters, digits, `_`, `.` and `-`; a digest starts with sha256: or sha512:",
  },
  "registry.tags-too-many": {
    status: 414,
    text: "more than {limit} tags in one request",
    hint: "push the manifest again with the rest",
  },
  "registry.algorithm-unsupported": {
    status: 400,
    text: "digests of algorithm `{algorithm}` are not supported",
    hint: "use sha256 or sha512",
  },
  "registry.digest-required": {
    status: 400,
    text: "closing an upload needs `?digest=`",
    hint: "give the digest of the whole blob",
  },
  "registry.parameter-missing": {
    status: 400,
    text: "the request needs `?{name}=`, and a value that makes sense",
    hint: "a digest starts with sha256: or sha512:; a size is a number of bytes",
  },
  "registry.range-malformed": {
    status: 400,
    text: "`{range}` is not a Content-Range of an upload",
    hint: "write it as FIRST-LAST, both inclusive",
  },
  "registry.length-wrong": {
    status: 400,
    text: "the request carries {actualBytes} bytes where {expectedBytes} were announced",
    hint: "Content-Range and Content-Length must agree",
  },
  "registry.range-unsatisfiable": {
    status: 416,
    text: "the range does not lie inside the blob's {sizeBytes} bytes",
    hint: "ask for the size first with HEAD",
  },
  "registry.page-invalid": { status: 400, text: "`n={n}` is not a count", hint: "n is a whole number from 0" },
  "registry.precondition-failed": {
    status: 412,
    text: "{reference} is not what the request expects it to be",
    hint: "fetch it again, apply the change to what is there now, and push that",
  },
  "registry.tag-immutable": {
    status: 409,
    text: "{reference} is immutable and cannot be {act}: it stays {digest}",
    hint: "push under another tag; which tags are immutable stands under registry.immutableTags in pratique.yaml",
  },
  "registry.quota-exceeded": {
    status: 403,
    text: "{repository} may hold {limit} {what}: it has {used}, and {asked} more were asked for",
    hint: "delete what is not needed (pratique registry retention), or raise registry.quotas in pratique.yaml",
  },
  "registry.retention-overtaken": {
    status: 409,
    text: "{repository} changed while retention looked at it: {digest} is named otherwise or cleared now",
    hint: "nothing was deleted of it; the next run decides again",
  },
  "registry.history-unknown": {
    status: 404,
    text: "{reference} has never been anything else",
    hint: "pratique history shows what a tag has named",
  },
  "registry.rollback-gone": {
    status: 409,
    text: "{reference} cannot go back to {digest}: its manifest is no longer here",
    hint: "pratique history shows what is still there; retention keeps what registry.history says",
  },
  "registry.rollback-nothing": {
    status: 409,
    text: "{reference} is {digest} already",
    hint: "name another digest with --to; pratique history shows them",
  },
  "registry.scope-missing": {
    status: 401,
    text: "the token is not good for {scope}",
    hint: "ask for a token with this scope, or send the credential itself",
  },
  "registry.service-unknown": {
    status: 400,
    text: "no tokens are given out here for `{service}`",
    hint: "use the realm and the service of the challenge",
  },
  "registry.grant-unsupported": {
    status: 400,
    text: "this is not a way to ask for a token",
    hint: "use grant_type=password or grant_type=refresh_token",
  },
  "registry.token-key-invalid": {
    status: 500,
    text: "{file} does not hold the key that signs tokens for registry clients",
    hint: "delete the file: the next start makes a new key, and clients ask for new tokens",
  },
  "registry.upstream-unknown": {
    status: 403,
    text: "{host} is no upstream of this registry, so nothing of it can be pulled",
    hint: "add it to `registry.upstreams` in pratique.yaml",
  },
  "registry.upstream-read-only": {
    status: 403,
    text: "{repository} is {upstream}'s: it is pulled through here, and not pushed to",
    hint: "push to {upstream} itself, or to a repository of another name",
  },
  "registry.upstream-down": {
    status: 503,
    text: "{upstream} does not answer, and what was asked for is not cached: {reason}",
    hint: "try again; `pratique registry upstreams` shows how upstreams fare",
  },
  "registry.upstream-failed": {
    status: 502,
    text: "{upstream} fails, and what was asked for is not cached: {reason}",
    hint: "try again; `pratique registry upstreams` shows how upstreams fare",
  },
  "registry.upstream-resting": {
    status: 429,
    text: "{upstream} asks for fewer requests, and what was asked for is not cached",
    hint: "wait, or give credentials for a higher limit: `credentialsFile` of the upstream in pratique.yaml",
  },
  "registry.upstream-denied": {
    status: 403,
    text: "{upstream} does not give it out: {reason}",
    hint: "it may not exist, or want credentials: `credentialsFile` of the upstream in pratique.yaml",
  },
  "registry.upstream-corrupt": {
    status: 502,
    text: "{upstream} sends what it should not: {reason}",
    hint: "nothing of it was kept; try again, and tell who runs the upstream when it stays so",
  },
  "registry.body-stalled": {
    status: 408,
    text: "nothing came for {seconds} seconds",
    hint: "what had arrived of an upload is kept for a while: ask for its state and go on",
  },
});
