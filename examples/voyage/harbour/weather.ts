// The weather: a small table, and for every other city a value made from its name, so that answers never change.

export interface Weather {
  readonly city: string;
  readonly sky: string;
  readonly temp_c: number;
}

const TABLE: ReadonlyMap<string, readonly [sky: string, temperature: number]> = new Map([
  ["oslo", ["rain", 7]],
  ["bergen", ["drizzle", 9]],
  ["hamburg", ["wind", 11]],
  ["rotterdam", ["clouds", 12]],
  ["lisbon", ["sun", 21]],
  ["naples", ["clear", 24]],
  ["reykjavik", ["snow", -2]],
  ["sydney", ["storm", 18]],
]);
const SKIES = ["rain", "sun", "snow", "fog", "clouds", "wind", "storm", "hail"] as const;

export function weatherOf(city: string): Weather {
  const known = TABLE.get(city.toLowerCase());
  if (known !== undefined) return { city, sky: known[0], temp_c: known[1] };
  let sum = 7;
  for (const character of city.toLowerCase()) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 10_007;
  return { city, sky: SKIES[sum % SKIES.length] ?? "fog", temp_c: (sum % 38) - 8 };
}
