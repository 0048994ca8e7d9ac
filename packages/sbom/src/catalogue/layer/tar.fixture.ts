// Tar archives as they are told, sound or not.
import { digestOf, type Digest } from "@pratique/core";
import { gzipSync } from "node:zlib";

export interface TarFixtureEntry {
  readonly path: string;
  readonly type?: "0" | "1" | "2" | "5" | "L" | "x" | "S" | undefined;
  readonly body?: string | Buffer | undefined;
  readonly target?: string | undefined;
  readonly mode?: number | undefined;
  /** A lie about the size. */
  readonly size?: number | undefined;
}

export function tarOf(entries: readonly TarFixtureEntry[], end = 1024): Buffer {
  const blocks = entries.map(({ path, type = "0", body = "", target = "", mode = 0o644, size }) => {
    const bytes = Buffer.from(body);
    const block = Buffer.alloc(512);
    block.write(path, 0, 100, "utf8");
    block.write(`${mode.toString(8).padStart(7, "0")}\u00000000000\u00000000000\u0000`, 100, "latin1");
    block.write((size ?? bytes.length).toString(8).padStart(11, "0"), 124, "latin1");
    block.write("00000000000\u0000        ", 136, "latin1");
    block.write(type, 156, "latin1");
    block.write(target, 157, 100, "utf8");
    block.write("ustar\u000000", 257, "latin1");
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
    return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(end)]);
}

export interface FixtureLayer {
  readonly bytes: Buffer;
  readonly mediaType?: string;
  readonly annotations?: Record<string, string>;
}

/** A repository of one image, and what else is put into it. */
export class ImageFixture {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>();
  opened = 0;

  readonly source = {
    manifest: async (ref: string) => {
      const found = this.manifests.get(ref);
      if (found === undefined) return undefined;
      return {
        ...found,
        descriptor: { mediaType: found.mediaType, digest: digestOf(found.bytes), size: found.bytes.length },
      };
    },
    openBlob: async (digest: string, range?: { start: number; end?: number | undefined }) => {
      this.opened += 1;
      const bytes = this.blobs.get(digest);
      if (bytes === undefined) throw new Error(`no blob ${digest}`);
      const { Readable } = await import("node:stream");
      const part = range === undefined ? bytes : bytes.subarray(range.start, (range.end ?? bytes.length - 1) + 1);
      return Readable.from([part]);
    },
  };

  image(layers: readonly FixtureLayer[], more: object = {}): { readonly digest: Digest } {
    const listed = layers.map(({ bytes, mediaType = "application/vnd.oci.image.layer.v1.tar+gzip", annotations }) => {
      const digest = digestOf(bytes);
      this.blobs.set(digest, bytes);
      return { mediaType, digest, size: bytes.length, ...(annotations === undefined ? {} : { annotations }) };
    });
    const config = {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: digestOf(Buffer.from("{}")),
      size: 2,
    };
    return this.put({ schemaVersion: 2, mediaType: IMAGE, config, layers: listed, ...more }, IMAGE);
  }

  index(manifests: readonly object[], more: object = {}): { readonly digest: Digest } {
    return this.put({ schemaVersion: 2, mediaType: INDEX, manifests, ...more }, INDEX);
  }

  put(json: object, mediaType: string): { readonly digest: Digest; readonly size: number; readonly mediaType: string } {
    const bytes = Buffer.from(JSON.stringify(json));
    const digest = digestOf(bytes);
    this.manifests.set(digest, { bytes, mediaType });
    return { digest, size: bytes.length, mediaType };
  }
}

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

export const npmFile = (path: string, name: string, version: string): TarFixtureEntry => ({
  path,
  body: JSON.stringify({ name, version, license: "MIT" }),
});

export const layerOf = (...entries: readonly TarFixtureEntry[]): FixtureLayer => ({ bytes: gzipSync(tarOf(entries)) });
