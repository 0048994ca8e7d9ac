// A blob that ends with an error when its bytes have another digest or size than its descriptor says.
import { algorithmOf, Digester } from "@pratique/core";
import type { Descriptor, Repository } from "@pratique/oci";
import { packagingErrors } from "../errors.ts";

/** @throws `archive.damaged` */
export async function* verifiedBlob(repository: Repository, { digest, size }: Descriptor): AsyncGenerator<Uint8Array> {
  const digester = new Digester(algorithmOf(digest));
  for await (const chunk of (await repository.openBlob(digest)) as AsyncIterable<Buffer>) {
    digester.update(chunk);
    if (digester.sizeBytes > size) break;
    yield chunk;
  }
  if (digester.sizeBytes !== size || digester.digest() !== digest) {
    throw packagingErrors("archive.damaged", { reason: `the content is not ${digest}` });
  }
}
