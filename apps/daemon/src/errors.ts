// What can go wrong in putting the daemon together and in its control API.
import { defineErrors } from "@pratique/core";

export const daemonErrors = defineErrors({
  "secret-guard.not-allowed": {
    status: 404,
    text: "{fingerprint} was not let through",
    hint: "pratique secret-guard ls shows what was",
  },
  "waiver.invalid": {
    status: 400,
    text: "this waiver cannot be granted: {reason}",
    hint: "name what it is for (--artifact or --repository), what it waives (--policy, --vulnerability or --package), and until when",
  },
  "waiver.not-found": {
    status: 404,
    text: "there is no waiver {id}",
    hint: "pratique waiver ls",
  },
  "approval.not-found": {
    status: 404,
    text: "nothing waits for an approval {id}",
    hint: "pratique approvals ls; what nobody answered in time, or whose caller left, is gone",
  },
  "approval.answered": {
    status: 409,
    text: "{id} was answered already, by {by}",
    hint: "pratique approvals ls shows what still waits",
  },
  "daemon.port-in-use": {
    status: 409,
    text: "another program listens on {address}",
    hint: "stop it, or choose another address: pratique up --listen 127.0.0.1:0",
  },
  "daemon.unsafe-listen": {
    status: 400,
    text: "{address} is not a loopback address, and without TLS and an identity provider only loopback is served",
    hint: "listen on 127.0.0.1 and let a proxy that authenticates stand in front",
  },
  "daemon.bad-listen": {
    status: 400,
    text: "`{address}` is not HOST:PORT",
    hint: "for example 127.0.0.1:7340, or 127.0.0.1:0 for any free port",
  },
  "daemon.cannot-listen": {
    status: 500,
    text: "cannot listen on {address}: {reason}",
    hint: "choose another address with --listen",
  },
  "daemon.already-running": {
    status: 409,
    text: "another daemon works on {home} (pid {pid})",
    hint: "use that one, stop it, or give this one another directory with --home",
  },
  "home.not-writable": {
    status: 500,
    text: "cannot write to the state directory {home}: {reason}",
    hint: "choose another with --home DIR or PRATIQUE_HOME",
  },
  "home.exposed": {
    status: 500,
    text: "the state directory {path} is not yours alone: {reason}",
    hint: "`chmod go-w {path}` when you trust what is in it, or choose another with --home DIR",
  },
  "home.no-log": {
    status: 404,
    text: "{home} holds no log and no key of one",
    hint: "name the state directory with --home; `pratique up` starts a log",
  },
  "audit.no-checkpoint-file": {
    status: 400,
    text: "the checkpoint in {file} cannot be read: {reason}",
    hint: "keep one with: pratique audit verify --json, field checkpoint.note",
  },
  "transfer.own-registry": {
    status: 400,
    text: "{reference} names the embedded registry",
    hint: "name another, such as ghcr.io/me/name:1.0; `pratique ls` lists what is here",
  },
  "skill.installed": {
    status: 409,
    text: "{name} is installed at {path}",
    hint: "add --replace to put this one in its place",
  },
  "skill.not-installed": {
    status: 404,
    text: "skills.lock.json knows of no skill `{name}`",
    hint: "what was put there by hand is removed by hand",
  },
  "lock.member-missing": {
    status: 404,
    text: "{agent} names the {type} `{name}`, which is not in the embedded registry",
    hint: "pack or pull it first: a lock pins what is here",
  },
  "lock.ambiguous": {
    status: 409,
    text: "`{name}` means {one} to one agent and {other} to another",
    hint: "name them with their repository and tag in the agents' files",
  },
  "lock.too-large": {
    status: 413,
    text: "{agent} names more than can be pinned, or itself through others",
    hint: "look at the sub-agents it names",
  },
  "bundle.file-exists": { status: 409, text: "{file} exists", hint: "choose another name, or add --force" },
  "bundle.not-writable": {
    status: 400,
    text: "no bundle can be written to {directory}: {reason}",
    hint: "name a file in a directory that is there, and that the daemon's user may write to",
  },
  "import.no-image": {
    status: 404,
    text: "{path} has no image `{image}`; it has {names}",
    hint: "name one of them with --image",
  },
  "import.several": {
    status: 400,
    text: "{path} holds several images, {names}, and one reference was given",
    hint: "choose one with --image, or give no reference and all come in under their own names",
  },
  "import.no-name": {
    status: 400,
    text: "{path} does not say what its images are called",
    hint: "give a reference: pratique import {path} team/name:1.0.0",
  },
  "config.invalid": { status: 400, text: "{file}: {problem}", hint: "docs/reference/configuration.md lists every key" },
  "control.not-found": { status: 404, text: "there is nothing at {path}", hint: "see /control/v1/openapi.json" },
  "control.bad-request": {
    status: 400,
    text: "the request is not valid: {problem}",
    hint: "see /control/v1/openapi.json",
  },
  "control.unauthorized": {
    status: 401,
    text: "who is asking is not known",
    hint: "send `Authorization: Bearer TOKEN`; `pratique token` prints the owner's",
  },
  "control.internal": {
    status: 500,
    text: "something went wrong inside the daemon",
    hint: "its log says more; this is worth a bug report",
  },
  "artifact.not-found": {
    status: 404,
    text: "there is no artifact {reference} in the embedded registry",
    hint: "`pratique ls` lists what is there; `pratique pull` brings one in",
  },
  "artifact.wrong-kind": {
    status: 400,
    text: "{reference} is of kind {kind}, and {wanted} is needed here",
    hint: "`pratique ls` shows kinds",
  },
  "model.not-runnable": {
    status: 400,
    text: "{reference} has no weights that an engine here can open: they are in {format} format",
    hint: "convert the weights to GGUF, and pack them again",
  },
  "reference.not-local": {
    status: 400,
    text: "{reference} names another registry",
    hint: "`pratique pull {reference}` brings it into the embedded one first",
  },
  "record.not-found": {
    status: 404,
    text: "there is no record {id}",
    hint: "`pratique audit tail` lists records with their ids",
  },
  "run.no-model": {
    status: 400,
    text: "the agent names the model {model}, which is neither in the embedded registry nor an address",
    hint: "pack or pull it first, or run with --model REF|URL",
  },
  "run.model-unreachable": {
    status: 502,
    text: "no OpenAI-compatible API answers at {url}: {reason}",
    hint: "check the address; it usually ends in /v1",
  },
  "run.no-server": {
    status: 400,
    text: "the agent names the tool server {server}, which is not in the embedded registry",
    hint: "pack or pull it first",
  },
  "run.remote-server": {
    status: 400,
    text: "the agent names the remote tool server {url}, which is not behind the gateway",
    hint: "add it under gateway.servers in pratique.yaml, and name it there by reference",
  },
  "run.no-skill": {
    status: 400,
    text: "the agent names the skill {skill}, which is not in the embedded registry",
    hint: "pack or pull it first",
  },
  "policy.no-files": {
    status: 400,
    text: "{directory} holds no *.cedar policies or no pratique.cedarschema",
    hint: "copy the repository's policies directory and change it",
  },
  "policy.bad-pack": {
    status: 400,
    text: "{pack} is no policy pack: {reason}",
    hint: "a pack is a directory with *.cedar files, a README.md and tests/*.yaml; `pratique policy packs` lists those that come along",
  },
  "policy.unknown-pack": {
    status: 404,
    text: "there is no policy pack {pack}",
    hint: "pratique policy packs",
  },
  "policy.pack-not-trusted": {
    status: 403,
    text: "the policy pack {pack} is not used: {reason}",
    hint: "when you vouch for it: pratique sign {pack}",
  },
  "policy.pack-unpinned": {
    status: 400,
    text: "{pack} names a policy pack without its digest",
    hint: "pratique policy add {pack} puts the digest in by itself; in pratique.yaml write REPOSITORY@sha256:…",
  },
  "trust.unreachable": {
    status: 503,
    text: "{what} cannot be fetched from {url}: {reason}",
    hint: "check the address, or save the document and name it as a file",
  },
  "trust.wrong-digest": {
    status: 500,
    text: "{what}: {url} answers with {found}, which is not {digest}",
    hint: "find out why it changed; if the change is wanted, write the new digest into pratique.yaml",
  },
  "sigstore.disabled": {
    status: 404,
    text: "this daemon is no Sigstore",
    hint: "set `sigstore.enabled: true` and at least one of `sigstore.issuers` in pratique.yaml, and start it again",
  },
  "sigstore.no-root": {
    status: 400,
    text: "there is no trusted root `{name}` to sign under",
    hint: "name `public`, `own` (with `sigstore.enabled`) or one of `trust.roots` as `signing.keyless.root`",
  },
  "sigstore.no-signing-config": {
    status: 400,
    text: "there is no signing config for the Sigstore of the root `{name}`",
    hint: "name one as `signing.keyless.signingConfig`",
  },
  "admission.image-missing": {
    status: 404,
    text: "there is no image {reference}",
    hint: "push it, or mend its name",
  },
  "storage.keys-missing": {
    status: 500,
    text: "there are no keys to the registry's bucket in {where}",
    hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with `accessKeyId` and `secretAccessKey` as `registry.storage.credentialsFile`",
  },
  "storage.keys-exposed": {
    status: 500,
    text: "others can read the keys in {file}",
    hint: "chmod 600 {file}",
  },
  "upstream.credentials-missing": {
    status: 500,
    text: "{file} does not hold the credentials of an upstream registry",
    hint: "write `username` and `password`, or `token`, into it as YAML",
  },
  "upstream.credentials-exposed": {
    status: 500,
    text: "others can read the credentials in {file}",
    hint: "chmod 600 {file}",
  },
  "upstream.ca-missing": {
    status: 500,
    text: "{file} holds no certificate of an upstream registry's authority",
    hint: "write it there in PEM form",
  },
  "server.unknown": {
    status: 404,
    text: "there is no server {name} that Pratique runs",
    hint: "pratique server ls lists them",
  },
  "server.not-placeable": {
    status: 400,
    text: "the entry {name} cannot be placed: {reason}",
    hint: "pack and push its server, and name the digest in the catalog",
  },
  "server.network-wider": {
    status: 400,
    text: "the entry of {name} does not name {host}: its network can only be narrowed",
    hint: "name the host in the entry, or leave it out of the override",
  },
  "server.unknown-secret": {
    status: 400,
    text: "the entry of {name} knows no secret {secret}",
    hint: "pratique catalog show names the secrets of an entry",
  },
  "server.not-added": {
    status: 404,
    text: "the server {name} was not added with pratique server add",
    hint: "what stands under gateway.servers in pratique.yaml is removed there; pratique server stop {name} stops it",
  },
  "server.file-damaged": {
    status: 500,
    text: "{file} does not hold the servers that were added",
    hint: "restore it, or move it away and add the servers again",
  },
  "server.exists": {
    status: 409,
    text: "there is a server {name} already",
    hint: "pratique server rm {name}, or choose another name",
  },
  "profile.not-changed": {
    status: 404,
    text: "no profile {name} was set",
    hint: "pratique profile ls lists them; one of the configuration is changed in pratique.yaml",
  },
});
