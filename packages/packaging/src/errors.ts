// What can go wrong when a directory becomes an artifact, and an artifact a directory.
import { defineErrors } from "@pratique/core";

export const packagingErrors = defineErrors({
  "artifact.no-directory": {
    status: 400,
    text: "{directory} is not a directory",
    hint: "name the directory that holds the model, server, skill or agent",
  },
  "artifact.unknown-kind": {
    status: 400,
    text: "{directory} is no known kind of artifact",
    hint: "a model needs weights (*.gguf, *.safetensors, *.onnx, *.dduf); an mcp-server a server.json or an MCP SDK; a skill a SKILL.md; an agent an agent.yaml; a policy pack *.cedar files; a catalog a catalog.yaml",
  },
  "artifact.ambiguous-kind": {
    status: 400,
    text: "{directory} could be any of {kinds}",
    hint: "say which: --kind {first}",
  },
  "artifact.kind-not-packable": {
    status: 400,
    text: "an artifact of kind `{kind}` cannot be packed from a directory",
    hint: "pack a model, mcp-server, skill, agent, policy or catalog",
  },
  "artifact.not-a-model": {
    status: 400,
    text: "{directory} is of kind `{kind}`, and only models have a format to choose",
    hint: "leave --format and --dual away",
  },
  "advise.no-server": {
    status: 400,
    text: "{path} is of kind `{kind}`, and advice is for MCP servers",
    hint: "name a server's directory, an .mcpb or a server.json",
  },
  "artifact.unsafe-file": {
    status: 400,
    text: "{path} is a {type}, and artifacts hold only files and directories",
    hint: "replace it by the file it stands for, or move it out of the directory",
  },
  "artifact.unsafe-name": {
    status: 400,
    text: "{path} has a name that cannot be packed: {reason}",
    hint: "rename it",
  },
  "artifact.too-large": {
    status: 413,
    text: "{directory} is too large for a {kind}: {what}",
    hint: "move what does not belong to it elsewhere",
  },
  "artifact.changed": {
    status: 409,
    text: "{path} changed while it was packed",
    hint: "pack it again when nothing writes to it",
  },
  "artifact.missing": {
    status: 404,
    text: "{repository} has no `{reference}`",
    hint: "see what is there with `pratique ls`",
  },
  "artifact.malformed": {
    status: 400,
    text: "{reference} is not a sound {kind} artifact: {reason}",
    hint: "ask who made it for a new one; it was not used",
  },
  "artifact.not-unpackable": {
    status: 400,
    text: "{reference} is of kind `{kind}`, which has no directory form",
    hint: "models, mcp-servers, skills and agents can be unpacked",
  },
  "artifact.target-exists": {
    status: 409,
    text: "{directory} exists and is not empty",
    hint: "choose another directory, or remove it",
  },
  "artifact.unfaithful": {
    status: 500,
    text: "the format has lost {path}",
    hint: "choose another format, and report this as a bug",
  },
  "archive.unsafe": {
    status: 400,
    text: "the archive holds `{entry}`, which is refused: {reason}",
    hint: "nothing was written; do not use this artifact",
  },
  "archive.too-large": {
    status: 413,
    text: "the archive unpacks to more than is allowed: {what}",
    hint: "nothing was written; do not use this artifact",
  },
  "archive.damaged": { status: 400, text: "the archive cannot be read: {reason}", hint: "fetch it again" },
  "model.invalid": {
    status: 400,
    text: "{path} is not a sound model file: {reason}",
    hint: "check the download: compare its checksum with the publisher's",
  },
  "model.truncated": {
    status: 400,
    text: "{path} is cut short in {where}: it has {sizeBytes} bytes, {missing} bytes are missing",
    hint: "download it again and compare its checksum",
  },
  "model.header-too-large": {
    status: 400,
    text: "the header of the model goes on after {limitBytes} bytes",
    hint: "pull the model to look at all of it",
  },
  "model.file-missing": {
    status: 400,
    text: "{path} needs {missing}, and it is not there",
    hint: "put all files of the model into the directory",
  },
  "model.not-dual": {
    status: 400,
    text: "a model in the format {format} cannot be dual",
    hint: "leave --format away: a dual artifact is a ModelPack and a ModelCar at once",
  },
  "model.shard-missing": {
    status: 400,
    text: "{path} is one of {total} parts, and {missing} is not there",
    hint: "put all parts of the model into the directory",
  },
  "mcp-server.invalid": {
    status: 400,
    text: "{path} is not a valid server.json: {reason}",
    hint: "see https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
  },
  "mcp-server.no-entry": {
    status: 400,
    text: "{directory} has no entry point",
    hint: "name it as `main` in package.json, or call it server.ts, server.mjs or server.js",
  },
  "mcp-server.bundle-failed": {
    status: 400,
    text: "{entry} cannot be bundled: {reason}",
    hint: "run npm install in the server's directory, and see that it starts with node",
  },
  "mcp-server.no-base": {
    status: 400,
    text: "there is no base image with {runtime} to pack an mcp-server on",
    hint: "bases are made of Debian packages: run it where there is apt-get",
  },
  "mcp-server.source-invalid": {
    status: 400,
    text: "`{source}` cannot be packed as an MCP server: {reason}",
    hint: "name a directory, an .mcpb, a server.json, npm:NAME@VERSION, pypi:NAME==VERSION or image:REFERENCE",
  },
  "mcp-server.fetch-failed": {
    status: 502,
    text: "{source} cannot be fetched: {reason}",
    hint: "check its name and version, and that this machine reaches the registry",
  },
  "mcp-server.unverifiable": {
    status: 400,
    text: "{source} needs {dependency}, which cannot be checked: {reason}",
    hint: "only packages of the registry with a checksum are taken",
  },
  "mcp-server.needs-build": {
    status: 400,
    text: "{source} would have to run code to be installed: {reason}",
    hint: "choose a version that is published as a wheel, or pack an image that you built: pratique pack image:REFERENCE",
  },
  "mcp-server.name-not-proven": {
    status: 400,
    text: "server.json is of {name}, and {source} says it is of {stated}",
    hint: "the package of a server names it (mcpName, mcp-name:, or the image's label); do not use this one",
  },
  "mcp-server.remote-only": {
    status: 400,
    text: "{name} runs elsewhere, at {url}: there is nothing to pack",
    hint: "put it behind the gateway: gateway.servers.NAME.url in pratique.yaml",
  },
  "mcpb.bad-signature": {
    status: 422,
    text: "the signature of {path} does not hold: {reason}",
    hint: "fetch the bundle again from its publisher",
  },
  "mcpb.wrong-checksum": {
    status: 422,
    text: "{path} has not the checksum that was named: {found}",
    hint: "wanted {wanted}",
  },
  "mcpb.invalid": {
    status: 400,
    text: "{path} is not a valid MCP bundle: {reason}",
    hint: "see https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md",
  },
  "base.unavailable": {
    status: 503,
    text: "the base image {base} cannot be made: {reason}",
    hint: "run `apt-get update`, or name another base",
  },
  "skill.invalid": {
    status: 400,
    text: "{path} is not a valid skill: {reason}",
    hint: "see https://agentskills.io/specification",
  },
  "image.not-an-archive": {
    status: 400,
    text: "{path} holds no images: {reason}",
    hint: "name an OCI layout, or an archive as `podman save`, `docker save` or `pratique bundle save` write it",
  },
  "bundle.too-large": {
    status: 413,
    text: "a bundle of more than {limit} manifests is refused",
    hint: "save its parts into bundles of their own",
  },
  "image.blob-missing": {
    status: 400,
    text: "the layout lacks {digest}",
    hint: "it was not copied whole; copy it again",
  },
  "skill.platform-invalid": {
    status: 400,
    text: "`{platform}` is no platform",
    hint: "write it as linux/amd64 or linux/arm64",
  },
  "skill.variants-differ": {
    status: 400,
    text: "variants must be one skill, and these are `{one}` and `{other}`",
    hint: "give each the same name in its SKILL.md",
  },
  "skill.lock-invalid": {
    status: 400,
    text: "{file} is not sound: {reason}",
    hint: "take it from version control again, or remove it and install the skills anew",
  },
  "skill.source-invalid": {
    status: 400,
    text: "`{source}` cannot be read as a place of skills: {reason}",
    hint: "name a directory, a .zip or .tar.gz, git+https://…, https://host, or a reference",
  },
  "skill.git-failed": {
    status: 502,
    text: "git cannot clone {url}: {reason}",
    hint: "check the address, the branch and your network",
  },
  "skill.web-failed": {
    status: 502,
    text: "{url} gives no skill: {reason}",
    hint: "see https://agentskills.io for how a site lists its skills",
  },
  "skill.not-found": {
    status: 404,
    text: "{source} holds no skill: there is no SKILL.md in it",
    hint: "a skill is a directory with a SKILL.md; name the one that has it",
  },
  "agent.not-yaml": {
    status: 400,
    text: "{path} is not well-formed YAML: {reason}",
    hint: "correct the line named above",
  },
});
