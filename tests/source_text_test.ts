import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { importsOf, scan } from "./source_text.ts";

const specifiers = (source: string) => importsOf(source).map(({ specifier }) => specifier);

describe("what a source imports", () => {
  it("finds every form, type imports included", () => {
    const source = `#!/usr/bin/env -S deno run
import a, { b } from "./a.ts";
import type { C } from './c.ts';
import "./side_effect.ts";
import * as d
  from "d";
export { e } from "./e.ts";
export * from "./f.ts";
const g = await import("./g.ts");
type H = import("./h.ts").H;
const i = await import(\`./i.ts\`);
const j = await import("./j.json", { with: { type: "json" } });
`;
    assert.deepEqual(
      specifiers(source),
      [
        "./a.ts",
        "./c.ts",
        "./side_effect.ts",
        "d",
        "./e.ts",
        "./f.ts",
        "./g.ts",
        "./h.ts",
        "./i.ts",
        "./j.json",
      ],
    );
    assert.deepEqual(
      importsOf(source).filter(({ dynamic }) => dynamic).map(({ specifier }) => specifier),
      ["./g.ts", "./h.ts", "./i.ts", "./j.json"],
    );
    for (const { specifier, start, end } of importsOf(source)) {
      assert.equal(source.slice(start, end), specifier);
    }
  });

  it("tells an import whose name is computed", () => {
    assert.deepEqual(specifiers("import(/* @vite-ignore */ name)"), [undefined]);
    assert.deepEqual(specifiers('import("./" + name)'), [undefined]);
    assert.deepEqual(specifiers("import(`./${name}.ts`)"), [undefined]);
  });

  it("is not taken in by comments, strings, templates, regular expressions and methods", () => {
    assert.deepEqual(
      specifiers(`
// import "./no.ts"
/* export * from "./no.ts" */
const a = 'import "./no.ts"', b = "it's from './no.ts'";
const c = \`from "./no.ts" \${f("x", \`import("./no.ts")\`, { y: "}" })} import "./no.ts"\`;
const d = /["'\`/*]/.test(e), f = 4 / 2 / 1, g = /[/"]from "no"/g;
const h = Array.from("abc"), i = loader.import("./no.ts");
if (x) { return /"/ } // "
export { j } from "./yes.ts";
`),
      ["./yes.ts"],
    );
  });
});

describe("what is code in a source", () => {
  it("keeps code and every position, and blanks the rest", () => {
    const source = 'f("Deno", /Bun/) // process.\nconst t = `Buffer ${process.env} Deno`;';
    const { code, strings } = scan(source);
    assert.equal(code.length, source.length);
    assert.equal(code.replace(/ +/g, " "), 'f(" ", / /) \nconst t = ` ${process.env} `;');
    assert.deepEqual(strings.map(({ start, end }) => source.slice(start, end)), ["Deno", "Buffer ", " Deno"]);
  });

  it("reads a broken source to its end", () => {
    for (const source of ['"open', "`open ${", "/* open", "/open", '\'open\nimport "x"', "}"]) {
      assert.equal(scan(source).code.length, source.length);
    }
  });
});
