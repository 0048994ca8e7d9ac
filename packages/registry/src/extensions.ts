// `GET /v2/_oci/ext/discover`: what this registry does beyond the specification (distribution-spec, extensions/_oci.md).
import { DELTA_ENDPOINT, DELTA_EXTENSION } from "@pratique/delta";
import { sendBytes, type Exchange } from "./exchange.ts";

const EXTENSIONS = Buffer.from(
  JSON.stringify({
    extensions: [
      {
        name: DELTA_EXTENSION,
        url: "https://pratique.dev/docs/guides/models",
        description: "rebuilds a blob from a delta and its base",
        endpoints: [DELTA_ENDPOINT],
      },
    ],
  }),
);

/** Everybody who may ask anything is told the same. */
export function listExtensions(exchange: Exchange): void {
  sendBytes(exchange, 200, EXTENSIONS, { "Content-Type": "application/json" });
}
