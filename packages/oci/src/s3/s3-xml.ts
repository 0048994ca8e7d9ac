// What S3 answers in XML: listings, multipart uploads, errors. Bounded and checked like everything from outside.
import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { ociErrors } from "../errors.ts";

/** A page of a listing has at most 1,000 entries of at most 1 KiB keys. */
export const XML_LIMIT_BYTES = 8 * 1024 * 1024;

const LISTS: ReadonlySet<string> = new Set(["Contents", "CommonPrefixes", "Part", "Upload"]);

const size = z.string().regex(/^\d{1,15}$/);
const flag = z.string().optional();

export const ObjectList = z.looseObject({
  IsTruncated: flag,
  NextContinuationToken: z.string().optional(),
  Contents: z.array(z.looseObject({ Key: z.string(), Size: size, LastModified: z.string() })).default([]),
  CommonPrefixes: z.array(z.looseObject({ Prefix: z.string() })).default([]),
});
export type ObjectList = z.infer<typeof ObjectList>;

export const PartList = z.looseObject({
  IsTruncated: flag,
  NextPartNumberMarker: z.string().optional(),
  Part: z.array(z.looseObject({ PartNumber: size, ETag: z.string(), Size: size })).default([]),
});

export const UploadList = z.looseObject({
  IsTruncated: flag,
  NextKeyMarker: z.string().optional(),
  NextUploadIdMarker: z.string().optional(),
  Upload: z.array(z.looseObject({ Key: z.string(), UploadId: z.string(), Initiated: z.string() })).default([]),
});
export type UploadList = z.infer<typeof UploadList>;

export const CreatedUpload = z.looseObject({ UploadId: z.string().min(1).max(2048) });

export const CopiedPart = z.looseObject({ ETag: z.string() });

const Roots = z.record(z.string(), z.unknown());
const Failure = z.looseObject({ Error: z.looseObject({ Code: z.string(), Message: z.string().default("") }) });

const parser = (): XMLParser =>
  new XMLParser({
    parseTagValue: false,
    ignoreDeclaration: true,
    htmlEntities: true,
    isArray: (name) => LISTS.has(name),
  });

/** The root element, whatever it is called: servers differ in that. @throws `oci.storage-failed` when the answer is not what S3 sends here */
export function parseAnswer<T>(schema: z.ZodType<T>, xml: Uint8Array, what: string): T {
  try {
    return schema.parse(Object.values(Roots.parse(parser().parse(Buffer.from(xml).toString())))[0]);
  } catch (cause) {
    throw ociErrors("oci.storage-failed", { what, reason: "it answered with something else" }, { cause });
  }
}

/** The code and message of an error body; also one that came with status 200, as copies and completions may. */
export function parseFailure(xml: Uint8Array): { readonly code: string; readonly message: string } | undefined {
  if (xml.byteLength === 0 || xml.byteLength > XML_LIMIT_BYTES) return undefined;
  try {
    const { Error: failure } = Failure.parse(parser().parse(Buffer.from(xml).toString()));
    return { code: failure.Code.slice(0, 80), message: failure.Message.slice(0, 300) };
  } catch {
    return undefined;
  }
}

/** The body that completes a multipart upload. ETags are the server's own; only quotes and hex get through. */
export function completionBody(parts: readonly { readonly number: number; readonly etag: string }[]): Buffer {
  const lines = parts.map(({ number, etag }) => {
    const text = etag.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
    return `<Part><PartNumber>${number}</PartNumber><ETag>${text}</ETag></Part>`;
  });
  return Buffer.from(`<CompleteMultipartUpload>${lines.join("")}</CompleteMultipartUpload>`);
}
