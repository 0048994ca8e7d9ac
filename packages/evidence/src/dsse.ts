// DSSE: what exactly is signed (secure-systems-lab/dsse protocol.md, v1).

/** The pre-authentication encoding: `DSSEv1 <len(type)> <type> <len(payload)> <payload>`, lengths in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType);
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.byteLength} `),
    Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
  ]);
}
