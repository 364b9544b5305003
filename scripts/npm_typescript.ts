/**
 * Programs of npm users, and the ways in which TypeScript may look at them.
 *
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";
import { root } from "./toolchain.ts";

/** One way to check types: the compiler's options, and which of the project's files it reads. */
export interface Check {
  readonly name: string;
  readonly files: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What every check demands: also of the package's own declarations. */
const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
  target: "es2024",
};

const esm = { module: "nodenext", moduleResolution: "nodenext" };
const bundler = { module: "preserve", moduleResolution: "bundler" };

/**
 * Writes programs that use the package into `project`: the examples of its README and of `docs/examples`, an import of
 * every entry, and the same from CommonJS.
 *
 * @param entries what is imported, such as `@apex/token/profile`
 * @param types the folder that holds `@types`
 */
export async function writePrograms(
  project: string,
  entries: readonly string[],
  types: string,
): Promise<Check[]> {
  const readme = await readFile(`${root}npm/README.md`, "utf8");
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  const written: string[] = [];
  const write = async (name: string, text: string) => {
    await writeFile(`${project}/${name}`, text);
    written.push(name);
  };
  for (const [index, code] of examples.entries()) await write(`readme_${index}.mts`, code);
  for (const name of ["worker", "edge_route"]) {
    await write(`example_${name}.mts`, await readFile(`${root}docs/examples/${name}.ts`, "utf8"));
  }
  const names = entries.map((_, index) => `entry${index}`);
  const imports = entries.map((name, index) => `import * as ${names[index]} from ${JSON.stringify(name)};\n`);
  // An entry without types would be `any`, which is assignable to everything.
  const typed = names.map((name) =>
    `const ${name}IsTyped: 0 extends 1 & typeof ${name} ? never : true = true;\n`
  );
  await write("entries.mts", imports.join("") + typed.join(""));
  const required = entries.map((name, index) =>
    `import ${names[index]} = require(${JSON.stringify(name)});\n`
  );
  await writeFile(`${project}/entries.cts`, required.join("") + typed.join(""));
  const node = { types: ["node"], typeRoots: [types] };
  return [
    { name: "with the DOM", files: written, options: { ...bundler, lib: ["es2024", "dom"], types: [] } },
    { name: "for Workers", files: written, options: { ...esm, lib: ["es2024", "webworker"], types: [] } },
    {
      name: "without the DOM, for Node, ES modules and CommonJS",
      files: [...written, "entries.cts", "smoke_test.ts"],
      options: { ...esm, ...node, lib: ["es2024"] },
    },
  ].map((check) => ({ ...check, options: { ...strict, ...check.options } }));
}
