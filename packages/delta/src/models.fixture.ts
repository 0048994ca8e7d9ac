// Synthetic weights: safetensors files with Gaussian bf16 tensors, and the changes that training makes to them.
// The values stay float32, as a trainer's do, and are rounded when they are written.

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Small, fast and repeatable (xorshift32, Box-Muller). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 2 ** 32;
  }

  gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}

/** Nearest bf16 of each value, little-endian. */
function bf16(values: Float32Array): Buffer {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const rounded = Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
  return Buffer.from(rounded.buffer);
}

export function gaussianTensor(dice: Dice, name: string, shape: readonly number[], scale = 0.02): Tensor {
  const count = shape.reduce((product, one) => product * one, 1);
  return { name, shape, values: Float32Array.from({ length: count }, () => dice.gaussian() * scale) };
}

/** Every value times about 1 ± `relative`: a full fine-tune. */
export function fineTuned(dice: Dice, tensor: Tensor, relative: number): Tensor {
  return { ...tensor, values: tensor.values.map((value) => value * (1 + dice.gaussian() * relative)) };
}

/** Adds a product of two thin matrices: a LoRA of the given rank, merged. */
export function loraMerged(dice: Dice, tensor: Tensor, rank: number, scale: number): Tensor {
  const [rows = 1, columns = 1] = tensor.shape;
  const a = Float32Array.from({ length: rows * rank }, () => dice.gaussian());
  const b = Float32Array.from({ length: rank * columns }, () => dice.gaussian() * scale);
  const values = new Float32Array(tensor.values.length);
  const sums = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = a[row * rank + k]!;
      for (let column = 0; column < columns; column++) sums[column]! += factor * b[k * columns + column]!;
    }
    const at = row * columns;
    for (let column = 0; column < columns; column++) {
      values[at + column] = tensor.values[at + column]! + sums[column]!;
    }
  }
  return { ...tensor, values };
}

/** A safetensors file. */
export function safetensors(tensors: readonly Tensor[], metadata: Readonly<Record<string, string>> = {}): Buffer {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  const data = tensors.map(({ values }) => bf16(values));
  for (const [place, { name, shape }] of tensors.entries()) {
    const end = offset + data[place]!.length;
    header[name] = { dtype: "BF16", shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...data]);
}

/** A model of a few layers in the form of llama's. */
export function syntheticModel(dice: Dice, size: { layers: number; hidden: number; vocabulary: number }): Tensor[] {
  const { layers, hidden, vocabulary } = size;
  const tensors = [gaussianTensor(dice, "model.embed_tokens.weight", [vocabulary, hidden])];
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    for (const part of ["q", "k", "v", "o"]) {
      tensors.push(gaussianTensor(dice, `${at}.self_attn.${part}_proj.weight`, [hidden, hidden]));
    }
    for (const part of ["gate", "up"]) {
      tensors.push(gaussianTensor(dice, `${at}.mlp.${part}_proj.weight`, [hidden * 3, hidden]));
    }
    tensors.push(gaussianTensor(dice, `${at}.mlp.down_proj.weight`, [hidden, hidden * 3]));
  }
  return tensors;
}
