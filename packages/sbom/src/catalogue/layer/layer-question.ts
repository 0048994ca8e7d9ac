// What a thread that reads layers is asked, and what it answers.
import type { CatalogueLimits } from "../catalogue.ts";
import { imageDetector } from "../detect/image-detectors.ts";
import type { LayerReading, ReadingBudget } from "./layer-reading.ts";
import { LayerProblem, scanLayer } from "./scan-layer.ts";

export interface LayerQuestion {
  /** A file of this machine. */
  readonly path: string;
  readonly limits: CatalogueLimits;
  /** What is left when it is asked. */
  readonly budget: ReadingBudget;
}

export type LayerAnswer =
  | { readonly reading: LayerReading; readonly used: ReadingBudget }
  | { readonly problem: { readonly reason: string; readonly isTooLarge: boolean } };

/** Reads a layer with the detectors of images. */
export async function answerTo(question: LayerQuestion, source: AsyncIterable<Uint8Array>): Promise<LayerAnswer> {
  const { limits, budget } = question;
  const left = { ...budget };
  try {
    const reading = await scanLayer(source, { detectorOf: imageDetector, limits, budget: left });
    const used = {
      entries: budget.entries - left.entries,
      bytes: budget.bytes - left.bytes,
      packages: budget.packages - left.packages,
    };
    return { reading, used };
  } catch (error) {
    if (error instanceof LayerProblem) return { problem: { reason: error.message, isTooLarge: error.isTooLarge } };
    return { problem: { reason: error instanceof Error ? error.message : "it cannot be read", isTooLarge: false } };
  }
}
