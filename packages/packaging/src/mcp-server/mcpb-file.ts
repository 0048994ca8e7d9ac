// The zip inside of a signed MCP bundle: the signature follows the archive, and a strict reader refuses what follows.
import { copyFile, open } from "node:fs/promises";

const END = Buffer.from("MCPB_SIG_END");
const START = Buffer.from("MCPB_SIG_V1");
/** A PKCS#7 signature with its certificates; they are some kilobytes. */
const LIMIT_SIGNATURE = 256 * 1024;
const END_OF_DIRECTORY = Buffer.from([0x50, 0x4b, 0x05, 0x06]);
const END_OF_DIRECTORY_BYTES = 22;

/** Copies the archive without its signature. @returns whether there was one */
export async function copyUnsigned(path: string, target: string): Promise<boolean> {
  await copyFile(path, target);
  const file = await open(target, "r+");
  try {
    const { size } = await file.stat();
    const tailSize = Math.min(size, LIMIT_SIGNATURE);
    const tail = Buffer.alloc(tailSize);
    await file.read(tail, 0, tailSize, size - tailSize);
    if (!tail.subarray(-END.length).equals(END)) return false;
    const at = tail.lastIndexOf(START);
    const end = at === -1 ? -1 : tail.subarray(0, at).lastIndexOf(END_OF_DIRECTORY);
    if (end === -1) return false;
    // The signer counts the signature as the archive's comment (APPNOTE §4.3.16); without it the comment is what is left.
    const comment = at - end - END_OF_DIRECTORY_BYTES;
    if (comment < 0 || comment > 0xffff) return false;
    const length = Buffer.alloc(2);
    length.writeUInt16LE(comment);
    await file.write(length, 0, 2, size - tailSize + end + 20);
    await file.truncate(size - tailSize + at);
    return true;
  } finally {
    await file.close();
  }
}
