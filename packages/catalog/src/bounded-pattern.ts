// Patterns of others' schemas, as far as they surely end soon: JavaScript's engine goes back, and takes its time.

const PATTERN_LENGTH = 300;
const VALUE_LENGTH = 512;
/** Each one without a bound multiplies the time by the length of the value. */
const UNBOUNDED = 2;

/**
 * The pattern, with a test that is refused long values (they do not match).
 * @throws when it could take more than a moment: groups that repeat and hold what repeats or branches, looks, back-references
 */
export function boundedPattern(source: string, flags: string): RegExp {
  const plain = source.replaceAll(/\\./g, "_").replaceAll(/\[(?:[^\]]*)\]/g, "_");
  const isRisky =
    source.length > PATTERN_LENGTH ||
    /\\[1-9k]|\(\?[=!<]/.test(source.replaceAll("\\\\", "")) ||
    /\)(?:[*+]|\{\d+,?\d*\})/.test(plain) ||
    (plain.match(/[*+]|\{\d*,(?:\d{3,})?\}/g) ?? []).length > UNBOUNDED ||
    /\{\d{4,}|,\d{4,}\}/.test(plain);
  if (isRisky) throw new Error(`the pattern ${source.slice(0, 60)} could take too long`);
  const pattern = new RegExp(source, flags);
  const test = pattern.test.bind(pattern);
  pattern.test = (text) => text.length <= VALUE_LENGTH && test(text);
  return pattern;
}
