// The name, labels and annotations by which a server's image says what it is.

/** The label by which the MCP registry recognises an image as a server's. */
export const SERVER_NAME_LABEL = "io.modelcontextprotocol.server.name";
/** Label of the image's config that holds server.json whole, so that it is read without unpacking a layer. */
export const SERVER_JSON_LABEL = "dev.pratique.server.json";
/** Label of the image's config: `stdio`, `streamable-http` or `sse`. */
export const TRANSPORT_LABEL = "dev.pratique.server.transport";
/** Annotation of a layer: `app`, or `dependencies`; those of the base have none. */
export const LAYER_ANNOTATION = "dev.pratique.layer";

/** Where a server goes when nobody says where: `com.example/x` alone would read as a registry and a repository. */
export function serverRepository(name: string): string {
  return `mcp/${name}`;
}
