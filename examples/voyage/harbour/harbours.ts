// Harbours by country: a small table; a country that is not in it has none that we know.

const TABLE: ReadonlyMap<string, readonly string[]> = new Map([
  ["norway", ["Oslo", "Bergen"]],
  ["sweden", ["Malmo", "Stockholm"]],
  ["denmark", ["Aarhus", "Odense"]],
  ["germany", ["Hamburg", "Bremen", "Kiel"]],
  ["france", ["Marseille", "Brest", "Calais"]],
  ["italy", ["Genoa", "Naples"]],
  ["portugal", ["Lisbon", "Porto"]],
  ["spain", ["Bilbao", "Cadiz", "Vigo"]],
]);

export function harboursOf(country: string): readonly string[] | undefined {
  return TABLE.get(country.toLowerCase());
}
