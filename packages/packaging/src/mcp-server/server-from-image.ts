// An image that others built, as a server: its layers stay as they are, and a new config says which server it is.
import { hexOf, isJsonObject, parseJson, readBounded } from "@pratique/core";
import { copyBlob, MEDIA_TYPES, type LocalRepository, type Repository } from "@pratique/oci";
import type { ArtifactPlan } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { describedBy, type Describes } from "./described-by.ts";
import { LIMIT_CONFIG, readImageConfig, type ImageConfig } from "./image-config.schema.ts";
import { toolsInImage, type ImageTools } from "./image-shells.ts";
import { makeServerJson, nameOfPackage } from "./made-server-json.ts";
import { imageFor } from "./oci-base.ts";
import { SERVER_JSON_LABEL, SERVER_NAME_LABEL, TRANSPORT_LABEL } from "./server-labels.ts";

export interface WrapImageOptions {
  readonly repository: Repository;
  /** Tag or digest. */
  readonly ref: string;
  /** As it is named to people. */
  readonly reference: string;
  readonly architecture: string;
  readonly describes?: Describes | undefined;
}

/** What was read of an image, before anything is stored. */
export interface FoundImageServer {
  readonly name: string;
  plan(to: LocalRepository): Promise<ArtifactPlan>;
}

/** @throws `mcp-server.source-invalid`, `mcp-server.no-entry`, `mcp-server.name-not-proven` */
export async function serverFromImage(o: WrapImageOptions): Promise<FoundImageServer> {
  const { repository, reference } = o;
  const invalid = (reason: string): Error =>
    packagingErrors("mcp-server.source-invalid", { source: reference, reason });
  const { descriptor, manifest } = await imageFor(o, invalid);
  const config = await readImageConfig(repository, manifest.config);
  if (config === undefined || config.diffIds.length !== manifest.layers.length)
    throw invalid("it is no runnable image");
  if (config.entrypoint.length + config.cmd.length === 0)
    throw packagingErrors("mcp-server.no-entry", { directory: reference });
  const bytes = await readBounded(
    await repository.openBlob(manifest.config.digest),
    LIMIT_CONFIG,
    "the image's config",
  );
  const raw = parseJson(bytes.toString("utf8"), "the image's config");
  if (!isJsonObject(raw)) throw invalid("its config is no JSON object");
  const stated = config.labels[SERVER_NAME_LABEL];
  const kept = config.labels[SERVER_JSON_LABEL];
  const described = describedBy(o.describes, { source: reference, stated }, () => kept ?? madeFor(o, config, stated));
  const { server, serverJson, transport } = described;
  const labels = {
    ...config.labels,
    [SERVER_NAME_LABEL]: server.name,
    [SERVER_JSON_LABEL]: serverJson.toString("utf8"),
    [TRANSPORT_LABEL]: transport.type,
  };
  const old = isJsonObject(raw["config"]) ? raw["config"] : {};
  // Everything else of the config stays: who built it, when, and how it starts.
  const text = JSON.stringify({ ...raw, config: { ...old, Labels: labels } });
  return {
    name: server.name,
    async plan(to) {
      for (const layer of manifest.layers) await copyBlob(repository, to, layer);
      const tools = await toolsInImage(to, manifest.layers);
      const licence = config.labels["org.opencontainers.image.licenses"];
      return {
        kind: "mcp-server",
        name: server.name.slice(server.name.indexOf("/") + 1),
        version: server.version,
        description: server.description,
        licences: licence === undefined ? [] : [licence],
        artifactType: undefined,
        configMediaType: MEDIA_TYPES.imageConfig,
        config: () => text,
        layers: manifest.layers.map((layer) => ({ ...layer, mediaType: ociLayerType(layer.mediaType) })),
        annotations: {
          [SERVER_NAME_LABEL]: server.name,
          [TRANSPORT_LABEL]: transport.type,
          // image-spec, annotations.md.
          "org.opencontainers.image.base.name": reference,
          "org.opencontainers.image.base.digest": descriptor.digest,
        },
        // Its bill of materials is made from its layers, as of every image.
        components: [],
        materials: [{ uri: `oci:${reference}`, digest: { sha256: hexOf(descriptor.digest) }, name: reference }],
        buildType: "https://pratique.dev/build-types/pack/mcp-server/v1",
        notes: [...described.notes, ...findings(config, tools)],
      };
    },
  };
}

function madeFor(o: WrapImageOptions, config: ImageConfig, stated: string | undefined): string {
  const label = (name: string): string | undefined => config.labels[`org.opencontainers.image.${name}`];
  const version = label("version") ?? "";
  const exact = /^[0-9A-Za-z][0-9A-Za-z.+_-]*$/.test(version) && version !== "latest" ? version : "0.1.0";
  const last = o.repository.name.slice(o.repository.name.lastIndexOf("/") + 1);
  return makeServerJson({
    name: stated ?? nameOfPackage("dev.pratique.local", last.replace(/\.(?:tar|tgz|tar\.gz)$/, "")),
    description: label("description"),
    version: exact,
    package: { registryType: "oci", identifier: o.reference, version: exact },
  });
}

/** Docker's media types of the same bytes have no place in an OCI manifest. */
function ociLayerType(mediaType: string): string {
  if (mediaType === "application/vnd.docker.image.rootfs.diff.tar.gzip") return MEDIA_TYPES.layerTarGzip;
  return mediaType === "application/vnd.docker.image.rootfs.diff.tar" ? MEDIA_TYPES.layerTar : mediaType;
}

function findings({ user, entrypoint }: ImageConfig, tools: ImageTools): string[] {
  const notes: string[] = [];
  const name = user?.split(":")[0] ?? "";
  if (name === "" || name === "root" || name === "0") notes.push("it runs as root");
  if (tools.shells.length > 0) notes.push(`it has a shell: ${tools.shells.join(", ")}`);
  if (tools.packageManagers.length > 0) notes.push(`it has package managers: ${tools.packageManagers.join(", ")}`);
  if (!tools.isWhole) notes.push("not all of it could be looked at for shells");
  if (/(?:^|\/)(?:ba|da|a|z|k)?sh$/.test(entrypoint[0] ?? "")) notes.push("it starts through a shell");
  return notes;
}
