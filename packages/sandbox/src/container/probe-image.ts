// The image that probes an engine: one static program of some hundred bytes that exits with 42. Made here, so that a
// probe needs no network and no file.
import { digestOf, type Digest } from "@pratique/core";
import { packTar } from "modern-tar";

export const PROBE_EXIT_CODE = 42;

const BASE = 0x400000;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

const MACHINES = {
  // mov edi, 42; mov eax, 60 (exit); syscall
  amd64: { machine: 62, code: [0xbf, 0x2a, 0, 0, 0, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05] },
  // mov x0, #42; mov x8, #93 (exit); svc #0
  arm64: { machine: 183, code: [0x40, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4] },
} as const;

export type ProbeArchitecture = keyof typeof MACHINES;

/** An ELF program with one loadable segment (System V ABI, chapters 4 and 5). */
function probeProgram(architecture: ProbeArchitecture): Buffer {
  const { machine, code } = MACHINES[architecture];
  const headers = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;
  const elf = Buffer.alloc(headers + code.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bit, little-endian
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(machine, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(BASE + headers), 24); // entry
  elf.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32); // program headers
  elf.writeUInt16LE(ELF_HEADER_BYTES, 52);
  elf.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(5, 68); // readable, executable
  elf.writeBigUInt64LE(BigInt(BASE), 80);
  elf.writeBigUInt64LE(BigInt(BASE), 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(code, headers);
  return elf;
}

export interface ProbeImage {
  readonly manifest: Buffer;
  readonly config: Buffer;
  readonly layer: Buffer;
  readonly configDigest: Digest;
}

/** The probe's manifest, configuration and layer; the same bytes every time. */
export async function probeImage(architecture: ProbeArchitecture): Promise<ProbeImage> {
  const program = probeProgram(architecture);
  const header = { name: "probe", size: program.length, mode: 0o755, mtime: new Date(0), uid: 0, gid: 0 };
  const layer = Buffer.from(await packTar([{ header, body: program }]));
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Entrypoint: ["/probe"], User: "65532:65532", Labels: { "dev.pratique.probe": "1" } },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    }),
  );
  const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: descriptor("application/vnd.oci.image.config.v1+json", config),
      layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    }),
  );
  return { manifest, config, layer, configDigest: digestOf(config) };
}
