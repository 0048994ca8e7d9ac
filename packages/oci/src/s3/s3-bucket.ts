// The operations on a bucket's objects that the store is made of.
import { ociErrors } from "../errors.ts";
import type { ByteRange } from "../repository.ts";
import { storageFailure, type S3Answer, type S3RequestOptions, type S3Sender } from "./s3-request.ts";
import { completionBody, CopiedPart, CreatedUpload, ObjectList, parseAnswer, parseFailure } from "./s3-xml.ts";
import { PartList, UploadList } from "./s3-xml.ts";

/** One copy request takes no more (S3 API, CopyObject). */
const COPY_LIMIT_BYTES = 5 * 1024 ** 3;
const COPY_PART_BYTES = 1024 ** 3;
const READ_TRIES = 4;

export interface S3Object {
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
}

export interface S3Part {
  readonly number: number;
  readonly etag: string;
  readonly size: number;
}

export interface PendingUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiated: Date;
}

export type Condition = { readonly ifMatch: string } | { readonly ifNoneMatch: "*" };

export class S3Bucket {
  readonly sender: S3Sender;
  readonly #copyLimitBytes: number;

  constructor(sender: S3Sender, copyLimitBytes = COPY_LIMIT_BYTES) {
    this.sender = sender;
    this.#copyLimitBytes = copyLimitBytes;
  }

  async head(
    key: string,
  ): Promise<{ readonly size: number; readonly etag: string; readonly modified: Date } | undefined> {
    const { status, headers } = await this.#do({ method: "HEAD", key, expect: [200, 404] });
    if (status === 404) return undefined;
    const size = Number(headers["content-length"] ?? 0);
    return { size, etag: headers.etag ?? "", modified: new Date(headers["last-modified"] ?? 0) };
  }

  /** A small object whole; undefined when it is not there, `unchanged` when it still is what `etag` names. */
  async read(
    key: string,
    limitBytes: number,
    etag?: string,
  ): Promise<{ readonly bytes: Buffer; readonly etag: string } | "unchanged" | undefined> {
    const headers = etag === undefined ? {} : { "if-none-match": etag };
    const answer = await this.sender.exchange({ method: "GET", key, headers, expect: [200, 304, 404] }, limitBytes);
    if (answer.status === 404) {
      this.#requireBucket(answer);
      return undefined;
    }
    if (answer.status === 304) return "unchanged";
    return { bytes: answer.body, etag: answer.headers.etag ?? "" };
  }

  /** A missing bucket also answers 404; taking it for a missing object would make everything look empty. */
  #requireBucket({ status, body }: S3Answer): void {
    const failure = parseFailure(body);
    if (failure?.code === "NoSuchBucket") throw storageFailure(this.sender.name, "read", status, failure);
  }

  /** Bytes `start` up to, but without, `stop`; goes on where a connection broke. */
  async *stream(key: string, { start, end }: Required<ByteRange>): AsyncGenerator<Uint8Array> {
    let at = start;
    let failures = 0;
    while (at <= end!) {
      const headers = { range: `bytes=${at}-${end}` };
      const answer = await this.sender.send({ method: "GET", key, headers, expect: [206, 404] });
      if (answer.statusCode === 404) {
        answer.resume();
        throw ociErrors("oci.storage-failed", { what: `GET ${key}`, reason: "the content is gone" });
      }
      try {
        for await (const chunk of answer as AsyncIterable<Uint8Array>) {
          failures = 0;
          at += chunk.byteLength;
          if (at > end! + 1) throw ociErrors("oci.storage-failed", { what: `GET ${key}`, reason: "it sent too much" });
          yield chunk;
        }
        if (at <= end!) failures += 1;
      } catch (error) {
        failures += 1;
        if (failures >= READ_TRIES) throw error;
      } finally {
        answer.destroy();
      }
      if (failures >= READ_TRIES)
        throw ociErrors("oci.storage-failed", { what: `GET ${key}`, reason: "it ends early" });
    }
  }

  /** Stores an object; with a condition that does not hold, nothing, and the answer is undefined. */
  async put(key: string, body: readonly Uint8Array[], condition?: Condition): Promise<string | undefined> {
    const headers: Record<string, string> = {};
    if (condition !== undefined && "ifMatch" in condition) headers["if-match"] = condition.ifMatch;
    if (condition !== undefined && "ifNoneMatch" in condition) headers["if-none-match"] = condition.ifNoneMatch;
    const expect = condition === undefined ? [200] : [200, 404, 409, 412];
    const answer = await this.#do({ method: "PUT", key, headers, body, expect });
    if (answer.status === 404) this.#requireBucket(answer);
    return answer.status === 200 ? (answer.headers.etag ?? "") : undefined;
  }

  async delete(key: string): Promise<void> {
    await this.#do({ method: "DELETE", key, expect: [200, 204, 404] });
  }

  /** Copies inside the bucket, without the bytes coming here; the copy is new, whatever stood there. */
  async copy(from: string, to: string, size: number): Promise<void> {
    if (size > this.#copyLimitBytes) return this.#copyInParts(from, to, size);
    const headers = { "x-amz-copy-source": this.#source(from) };
    await this.#do({ method: "PUT", key: to, headers, expect: [200] });
  }

  async #copyInParts(from: string, to: string, size: number): Promise<void> {
    const uploadId = await this.createUpload(to);
    try {
      const parts: S3Part[] = [];
      const step = Math.min(COPY_PART_BYTES, this.#copyLimitBytes);
      for (let at = 0; at < size; at += step) {
        const number = parts.length + 1;
        const length = Math.min(step, size - at);
        const { body } = await this.#do({
          method: "PUT",
          key: to,
          query: { partNumber: String(number), uploadId },
          headers: {
            "x-amz-copy-source": this.#source(from),
            "x-amz-copy-source-range": `bytes=${at}-${at + length - 1}`,
          },
          expect: [200],
        });
        parts.push({ number, size: length, etag: parseAnswer(CopiedPart, body, "a copied part").ETag });
      }
      await this.completeUpload(to, uploadId, parts);
    } catch (error) {
      await this.abortUpload(to, uploadId);
      throw error;
    }
  }

  #source(key: string): string {
    return `/${this.sender.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
  }

  async *list(prefix: string): AsyncGenerator<S3Object> {
    for await (const page of this.#pages({ prefix })) {
      for (const { Key, Size, LastModified } of page.Contents) {
        yield { key: Key, size: Number(Size), modified: new Date(LastModified) };
      }
    }
  }

  /** What lies directly below a prefix: names of objects, and of "directories" with their slash. */
  async entries(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.#pages({ prefix, delimiter: "/" })) {
      for (const { Key } of page.Contents) names.push(Key.slice(prefix.length));
      for (const { Prefix } of page.CommonPrefixes) names.push(Prefix.slice(prefix.length));
    }
    return names;
  }

  async hasAny(prefix: string): Promise<boolean> {
    for await (const page of this.#pages({ prefix, "max-keys": "1" })) return page.Contents.length > 0;
    return false;
  }

  async *#pages(query: Readonly<Record<string, string>>): AsyncGenerator<ObjectList> {
    let token: string | undefined;
    do {
      const next = token === undefined ? {} : { "continuation-token": token };
      const { body } = await this.#do({
        method: "GET",
        key: "",
        query: { "list-type": "2", ...query, ...next },
        expect: [200],
      });
      const page = parseAnswer(ObjectList, body, "a listing");
      yield page;
      token = page.IsTruncated === "true" ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async createUpload(key: string): Promise<string> {
    const { body } = await this.#do({ method: "POST", key, query: { uploads: "" }, expect: [200] });
    return parseAnswer(CreatedUpload, body, "a new upload").UploadId;
  }

  async putPart(key: string, uploadId: string, number: number, body: readonly Uint8Array[]): Promise<S3Part> {
    const query = { partNumber: String(number), uploadId };
    const { headers } = await this.#do({ method: "PUT", key, query, body, expect: [200] });
    return { number, etag: headers.etag ?? "", size: body.reduce((sum, chunk) => sum + chunk.byteLength, 0) };
  }

  /** The parts that are there, in order; undefined when the upload is over. */
  async parts(key: string, uploadId: string): Promise<S3Part[] | undefined> {
    const parts: S3Part[] = [];
    let marker: string | undefined;
    do {
      const next: Record<string, string> = marker === undefined ? {} : { "part-number-marker": marker };
      const { status, body } = await this.#do({ method: "GET", key, query: { uploadId, ...next }, expect: [200, 404] });
      if (status === 404) return undefined;
      const page = parseAnswer(PartList, body, "a list of parts");
      for (const { PartNumber, ETag, Size } of page.Part) {
        parts.push({ number: Number(PartNumber), etag: ETag, size: Number(Size) });
      }
      marker = page.IsTruncated === "true" ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts.sort((one, other) => one.number - other.number);
  }

  async completeUpload(key: string, uploadId: string, parts: readonly S3Part[]): Promise<void> {
    await this.#do({ method: "POST", key, query: { uploadId }, body: [completionBody(parts)], expect: [200] });
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    await this.#do({ method: "DELETE", key, query: { uploadId }, expect: [200, 204, 404] });
  }

  async pendingUploads(prefix: string): Promise<PendingUpload[]> {
    const found: PendingUpload[] = [];
    let next: Record<string, string> | undefined = {};
    while (next !== undefined) {
      const query = { uploads: "", prefix, ...next };
      const { body } = await this.#do({ method: "GET", key: "", query, expect: [200] });
      const page: UploadList = parseAnswer(UploadList, body, "a list of uploads");
      for (const { Key, UploadId, Initiated } of page.Upload) {
        if (Key.startsWith(prefix)) found.push({ key: Key, uploadId: UploadId, initiated: new Date(Initiated) });
      }
      const { NextKeyMarker: key = "", NextUploadIdMarker: id = "" } = page;
      next = page.IsTruncated === "true" && key !== "" ? { "key-marker": key, "upload-id-marker": id } : undefined;
    }
    return found;
  }

  /** Copies and completions may answer 200 and then say that they failed. */
  async #do(request: S3RequestOptions): Promise<S3Answer> {
    const answer = await this.sender.exchange(request);
    if (answer.status !== 200 || request.method === "GET" || answer.body.byteLength === 0) return answer;
    const failure = parseFailure(answer.body);
    if (failure === undefined) return answer;
    throw storageFailure(this.sender.name, `${request.method} ${request.key}`, 200, failure);
  }
}
