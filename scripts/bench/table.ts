/**
 * A table of figures: as text for a terminal, as Markdown, and as the plain list of `dist/bench.json`.
 *
 * @module
 */

/** The name of this package among its peers. */
export const US = "apex-token";

/** The unit of a ratio to this package's own figure in the same row. */
export const RATIO = `x ${US}`;

/** One figure of `dist/bench.json`. */
export interface Figure {
  readonly table: string;
  readonly row: string;
  /** `apex-token`, the package name of a peer, or what stands beside them, such as an empty program. */
  readonly who: string;
  readonly value: number;
  readonly unit: string;
}

/** The figures of one subject in one row. */
export interface Line {
  readonly row: string;
  readonly who: string;
  /** What makes this subject's figures another thing than those above it. It becomes a part of the row's name. */
  readonly note?: string;
  /** By their unit. */
  readonly values: Readonly<Record<string, number>>;
}

/** A table. */
export interface Table {
  /** Its name, in `dist/bench.json` and on the command line. */
  readonly name: string;
  readonly title: string;
  /** What was measured and how, each a sentence or two. */
  readonly notes: readonly string[];
  /** The programs that took part, with their versions. */
  readonly versions: readonly string[];
  readonly lines: readonly Line[];
}

/** The figures of a table, one by one. */
export function figuresOf({ name, lines }: Table): Figure[] {
  return lines.flatMap(({ row, who, note, values }) =>
    Object.entries(values).map(([unit, value]) => ({
      table: name,
      row: note === undefined ? row : `${row} (${note})`,
      who,
      value: Number.isInteger(value) ? value : Number(value.toPrecision(4)),
      unit,
    }))
  );
}

/** The lines with their ratio to our own line of the same row, taken from one of their units. */
export function withRatios(lines: readonly Line[], unit: string): Line[] {
  return lines.map((line) => {
    const own = lines.find(({ row, who }) => row === line.row && who === US)?.values[unit];
    const value = line.values[unit];
    if (!own || value === undefined) return line;
    return { ...line, values: { ...line.values, [RATIO]: value / own } };
  });
}

/** The table as aligned text. */
export function asText(table: Table, machine: string): string {
  const units = unitsOf(table);
  const cells = [
    ["", ...units],
    ...table.lines.map((line) => [`  ${nameOf(line)}`, ...valuesOf(line, units)]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const aligned = cells.map(([name, ...values]) => {
    const columns = values.map((value, index) => value.padStart(widths[index + 1] + 3));
    return (name.padEnd(widths[0]) + columns.join("")).trimEnd();
  });
  const body = table.lines.flatMap((line, index) => {
    const isNewRow = line.row !== table.lines[index - 1]?.row;
    return [...(isNewRow ? [line.row] : []), aligned[index + 1]];
  });
  const title = `${table.name}: ${table.title}`;
  const notes = [...table.notes, `${table.versions.join(", ")}; ${machine}`];
  const head = [title, "=".repeat(title.length), ...notes.flatMap((note) => wrapped(note, 110))];
  return [...head, aligned[0], ...body, ""].join("\n");
}

/** The table as a section of Markdown. */
export function asMarkdown(table: Table, machine: string): string {
  const units = unitsOf(table);
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const body = table.lines.map((line, index) => {
    const isNewRow = line.row !== table.lines[index - 1]?.row;
    return row([isNewRow ? line.row : "", nameOf(line), ...valuesOf(line, units)]);
  });
  return [
    `## ${table.title[0].toUpperCase()}${table.title.slice(1)}`,
    "",
    ...table.notes.flatMap((note) => [note, ""]),
    row([table.name, "", ...units]),
    row(["---", "---", ...units.map(() => "---:")]),
    ...body,
    "",
    `*${table.versions.join(", ")}; ${machine}*`,
    "",
  ].join("\n");
}

function unitsOf({ lines }: Table): string[] {
  return [...new Set(lines.flatMap(({ values }) => Object.keys(values)))];
}

function nameOf({ who, note }: Line): string {
  return note === undefined ? who : `${who} (${note})`;
}

function valuesOf({ values }: Line, units: readonly string[]): string[] {
  return units.map((unit) => unit in values ? asNumber(values[unit], unit) : "");
}

/** Three figures that mean something, and thousands apart. */
function asNumber(value: number, unit: string): string {
  if (Number.isInteger(value) && !unit.startsWith("x ")) {
    return value.toLocaleString("en");
  }
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
